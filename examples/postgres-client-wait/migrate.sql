-- SPDX-License-Identifier: MIT
create table if not exists note (id integer primary key, text varchar not null);
insert into note values (1, 'migrated') on conflict do nothing;
select text from note;
