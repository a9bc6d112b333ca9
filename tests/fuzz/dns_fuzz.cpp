// SPDX-License-Identifier: MIT
#include <string>
#include <tuple>

#include "dns.hpp"
#include "split.hpp"

using namespace usher;

namespace {

// Each address must survive its own text, which has no zone.
void check(const AddressList& list) {
    for (size_t i = 0; i < list.count; ++i) {
        char text[ip_text_limit];
        IpAddress address = list.items[i];
        if (address.zone.back() != 0) std::abort();
        address.zone = {};
        const auto again = parse_ip(format_ip(address, text));
        if (!again || !(*again == address)) std::abort();
    }
}

void reply(const uint8_t* data, size_t size) {
    uint8_t query[dns_query_limit];
    const auto length = build_dns_query(0x4142, "db", DnsType::a, query);
    AddressList list;
    const DnsReply lone = parse_dns_reply({data, size}, {query, *length}, list);
    // The same with a good header and question in front.
    std::vector<uint8_t> packet(query, query + *length);
    packet[2] = 0x81;
    packet[7] = 20;
    packet.insert(packet.end(), data, data + size);
    const DnsReply second = parse_dns_reply(packet, {query, *length}, list);
    const bool any = list.count > 0;
    const DnsAnswer answer = judge_lookup(answer_of(lone, any), answer_of(second, any));
    if (answer == DnsAnswer::addresses && !any) std::abort();
    check(list);
}

void config(const uint8_t* data, size_t size) {
    same_every_way(data, size, [](const auto& pieces) {
        ResolvConf conf;
        for (const auto& piece : pieces) conf.feed(as_text(piece));
        conf.finish();
        AddressList list;
        for (const auto& server : conf.servers()) list.add(server);
        check(list);
        SearchList names("db", conf);
        std::string all;
        for (char out[dns_name_limit];;) {
            const auto name = names.next(out);
            if (name.empty()) break;
            all.append(name).append(",");
        }
        return std::tuple(all, list.count, conf.ndots(), conf.timeout_s(), conf.attempts());
    });
    same_every_way(data, size, [](const auto& pieces) {
        HostsMatcher matcher("db");
        AddressList list;
        for (const auto& piece : pieces) matcher.feed(as_text(piece), list);
        matcher.finish(list);
        check(list);
        return std::tuple(list.count, list.items[0].bytes);
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    reply(data, size);
    config(data, size);
    const auto address = parse_ip({reinterpret_cast<const char*>(data), size});
    if (!address) return 0;
    AddressList list;
    list.add(*address);
    check(list);
    return 0;
}
