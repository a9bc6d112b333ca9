// SPDX-License-Identifier: MIT
//
// completions bash|zsh|fish: writes what that shell needs to complete usher's command line, made
// from usher's own tables: options, subcommands, signals, and the checks that it says it accepts. A
// program for the machine that builds; nothing of it is in usher.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "check.hpp"
#include "options.hpp"
#include "run_settings.hpp"
#include "signals.hpp"

namespace {

using namespace usher;
using Text = std::string;

bool known_in(const Option& option, int command) {
    return option.known_in(static_cast<Command>(command));
}

// The run form has no name; here it needs one.
Text name_of(int command) {
    return command == 0 ? "run" : Text(command_name(static_cast<Command>(command)).view());
}

Text joined_subcommands(const char* between) {
    Text names;
    for (int command = 1; command < command_count; ++command) {
        names += (names.empty() ? "" : between) + name_of(command);
    }
    return names;
}
const Text subcommands = joined_subcommands(" ");

// Those with a name, and the ends of the real-time ones; last 0, which some options take for none.
std::vector<Text> signal_names() {
    std::vector<Text> names;
    for (int signal = 1; signal <= signal_count; ++signal) {
        char room[16];
        Writer line(room);
        add_signal_name(line, signal);
        const Text name(line.view());
        if (name.starts_with("SIG") && name.find_first_of("+-") == Text::npos) {
            names.push_back(name.substr(3));
        }
    }
    names.emplace_back("0");
    return names;
}

// The signals that usher takes in a value of the option, between `before` and `after`: its own
// parser is asked, so that none is offered that it refuses.
Text accepted_signals(const Option& option, const Text& before = "", const Text& after = "") {
    Text accepted;
    for (const Text& name : signal_names()) {
        Text words[] = {"--" + Text(option.name().view()), before + name + after, "--", "program"};
        char* const pointers[] = {words[0].data(), words[1].data(), words[2].data(),
                                  words[3].data()};
        RunSettings settings;
        BadInput bad;
        if (!apply_command_line(settings, pointers, bad)) continue;
        accepted += (accepted.empty() ? "" : " ") + name;
    }
    return accepted;
}
Text rewritten_from(const Option& option) { return accepted_signals(option, "", ":TERM"); }
Text rewritten_to(const Option& option) { return accepted_signals(option, "TERM:"); }
Text escalated_to(const Option& option) { return accepted_signals(option, "1s:"); }

// How the checks begin that usher names to whoever writes another: "tcp://HOST:PORT, unix:/SOCKET".
Text check_beginnings(bool with_states) {
    Check check;
    BadInput bad;
    parse_check("", check, bad);
    const Text accepted = Text(bad.accepted.view()) + ", ";
    Text beginnings;
    for (std::size_t at = 0; at < accepted.size(); at = accepted.find(", ", at) + 2) {
        const Text form = accepted.substr(at, accepted.find(", ", at) - at);
        const std::size_t colon = form.find(':');
        if (colon == 0) continue;  // ":PORT/PATH" begins with nothing to complete
        if (!with_states && colon + 1 == form.size()) continue;  // "ready:", of usher itself
        const std::size_t end = colon + (form.substr(colon, 3) == "://" ? 3 : 1);
        beginnings += (beginnings.empty() ? "" : " ") + form.substr(0, end);
    }
    return beginnings;
}
const Text checks = check_beginnings(true);
// What --wait-for and --heal take.
const Text option_checks = check_beginnings(false);

// The words that an option's value can be, from its name in --help; empty: anything.
Text values_of(const Option& option) {
    Text argument = Text(option.argument().view());
    if (argument.starts_with("SIG")) return accepted_signals(option);
    if (takes_checks(option.id)) return option_checks;
    if (argument.find('|') == Text::npos) return {};
    for (char& c : argument) {
        if (c == '|') c = ' ';
    }
    return argument;
}

Text long_form(const Option& option) {
    return option.name().empty() ? "" : "--" + Text(option.name().view());
}
Text short_form(const Option& option) {
    return option.letter != 0 ? Text("-") + option.letter : "";
}

const Option& option_of(OptionId id) {
    for (const Option& option : option_table()) {
        if (option.id == id) return option;
    }
    std::abort();
}

// The forms of an option with `between` between them.
Text forms(const Option& option, const char* between) {
    const Text first = short_form(option);
    const Text second = long_form(option);
    return first + (first.empty() || second.empty() ? "" : between) + second;
}

Text single_quoted(const Text& text) {
    Text quoted = "'";
    for (const char c : text) quoted += c == '\'' ? Text("'\\''") : Text(1, c);
    return quoted + "'";
}

// --- bash -------------------------------------------------------------------------------------

// What offers the values of an option, in bash.
Text bash_offer(const Option& option) {
    if (option.id == OptionId::rewrite) {
        return "_usher_pair '" + rewritten_from(option) + "' '" + rewritten_to(option) + "'";
    }
    if (option.id == OptionId::escalate) return "_usher_pair '' '" + escalated_to(option) + "'";
    if (takes_checks(option.id)) return "_usher_checks '" + values_of(option) + "'";
    if (takes_paths(option.id)) return "_usher_files";
    return "_usher_words '" + values_of(option) + "'";
}

void write_bash() {
    std::printf(R"(# bash completion for usher

# These offer what completes $cur, which follows $prefix in the word at the cursor.
_usher_words() {
    compopt +o default 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$1" -- "$cur")
}

# Something follows a check's beginning, often a path; but nothing follows ready: and live:.
_usher_checks() {
    mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$1" -- "$cur")
    compopt -o nospace 2>/dev/null
    case $cur in
        ready:* | live:*) ;;
        *:*) return ;;
    esac
    compopt +o default 2>/dev/null
}

# One of $1, a colon and one of $2.
_usher_pair() {
    case $cur in
        *:*)
            prefix+=${cur%%:*}: cur=${cur#*:}
            _usher_words "$2" ;;
        *)
            _usher_words "$1"
            COMPREPLY=("${COMPREPLY[@]/%%/:}")
            compopt -o nospace 2>/dev/null ;;
    esac
}

# bash's own.
_usher_files() { :; }

# $offer is what offers the values of option $2 of command $1; 1: the option takes none.
_usher_value() {
    case $1:$2 in
)");
    for (int command = 0; command < command_count; ++command) {
        for (const Option& option : option_table()) {
            if (!known_in(option, command) || !option.takes_value()) continue;
            const Text name = name_of(command);
            Text patterns = short_form(option).empty() ? "" : name + ":" + short_form(option);
            if (!long_form(option).empty()) {
                patterns += (patterns.empty() ? "" : " | ") + name + ":" + long_form(option);
            }
            std::printf("        %s) offer=(%s) ;;\n", patterns.c_str(),
                        bash_offer(option).c_str());
        }
    }
    std::printf(R"(        *) return 1 ;;
    esac
}

_usher_options() {
    case $1 in
)");
    for (int command = 0; command < command_count; ++command) {
        std::printf("        %s) _usher_words '", name_of(command).c_str());
        for (const Option& option : option_table()) {
            if (known_in(option, command)) std::printf("%s ", forms(option, " ").c_str());
        }
        std::printf("' ;;\n");
    }
    std::printf(R"(    esac
}

_usher() {
    COMPREPLY=()
    # bash takes words apart at ':' and '='; TERM:QUIT, tcp://db:5432 and --name=value are one each.
    local -a words=() starts=()
    local line=${COMP_LINE:0:COMP_POINT} piece at
    for ((at = 0; at <= COMP_CWORD; at++)); do
        case $at:$line in
            0:* | *:[[:space:]]*) words+=(""); starts+=("$at") ;;
        esac
        line=${line#"${line%%%%[![:space:]]*}"}
        piece=${COMP_WORDS[at]}
        [ "$at" != "$COMP_CWORD" ] || piece=$line
        words[${#words[@]} - 1]+=$piece
        line=${line#"$piece"}
    done
    local last=$((${#words[@]} - 1)) command=run option= ended= prefix= index=1
    local word=${words[last]}
    local cur=$word
    local -a offer=()
    case ${words[1]} in
        %s)
            [ "$last" = 1 ] || { command=${words[1]}; index=2; } ;;
    esac
    # Over the words before the cursor.
    for ((; index < last; index++)); do
        case $option:${words[index]} in
            -*:*) option= ;;
            :--) ended=1; ((index++)); break ;;
            :--*=*) ;;
            :-*) option=${words[index]}; _usher_value "$command" "$option" || option= ;;
            # A check does not end the options of probe and wait; a program does end them.
            *) case $command in run) ended=1; break ;; esac ;;
        esac
    done
    case $option:$ended:$word in
        ::--*=*) option=${word%%%%=*} prefix=${word%%%%=*}= cur=${word#*=}
            _usher_value "$command" "$option" || return 0 ;;
    esac
    if [ -n "$option" ]; then
        "${offer[@]}"
    elif [ -z "$ended" ] && [ "${word:0:1}" = - ]; then
        _usher_options "$command"
    elif [ -z "$ended" ] && [ "$command" != run ]; then
        case $command in probe | wait) _usher_checks '%s' ;; esac
    elif [ "$index" -lt "$last" ]; then
        if declare -F _command_offset >/dev/null; then
            _command_offset "${starts[index]}"
        else
            mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
        fi
        return
    else
        mapfile -t COMPREPLY < <(compgen -c -- "$word")
        [ "$last" != 1 ] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W '%s' -- "$word")
    fi
    # What readline replaces begins behind the last of these that it breaks words at.
    local breaks=${COMP_WORDBREAKS//[^:=]/}
    [ -z "$breaks" ] || prefix=${word%%"${word##*["$breaks"]}"} COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
}
complete -o default -F _usher usher
)",
                joined_subcommands(" | ").c_str(), checks.c_str(), subcommands.c_str());
}

// --- zsh --------------------------------------------------------------------------------------

// An option as _arguments wants it: '(-f --forward)'{-f+,--forward=}'[help]:what:(words)'.
void write_zsh_option(const Option& option) {
    const bool both = option.letter != 0 && !option.name().empty();
    const Text value = option.takes_value() ? "=" : "";
    const Text attached = option.takes_value() ? "+" : "";
    Text head = option.is_repeatable() ? "'*'"
                : both                 ? single_quoted("(" + forms(option, " ") + ")")
                                       : "";
    if (both) {
        head += "{" + short_form(option) + attached + "," + long_form(option) + value + "}";
    } else {
        head += forms(option, "") + (option.letter != 0 ? attached : value);
    }
    Text tail = "[" + Text(option.help().view()) + "]";
    if (option.takes_value()) {
        Text what = Text(option.argument().view());
        for (char& c : what) {
            if (c == ':' || c == '\'' || c == '[' || c == ']') c = ' ';
        }
        tail += ":" + what + ":";
        if (takes_checks(option.id)) {
            tail += "_usher_option_check";
        } else if (option.id == OptionId::rewrite) {
            tail += "_usher_rewrite";
        } else if (option.id == OptionId::escalate) {
            tail += "_usher_escalation";
        } else if (takes_paths(option.id)) {
            tail += "_files";
        } else if (!values_of(option).empty()) {
            tail += "(" + values_of(option) + ")";
        }
    }
    std::printf("            %s%s\n", head.c_str(), single_quoted(tail).c_str());
}

void write_zsh() {
    std::printf(R"(#compdef usher

_usher() {
    local command=run
    local -a options
    case ${words[2]} in
        %s)
            if (( CURRENT > 2 )); then
                command=${words[2]}
                words=(usher "${(@)words[3,-1]}")
                (( CURRENT-- ))
            fi ;;
    esac
    case $command in
)",
                joined_subcommands("|").c_str());
    for (int command = 0; command < command_count; ++command) {
        std::printf("        %s) options=(\n", name_of(command).c_str());
        for (const Option& option : option_table()) {
            if (known_in(option, command)) write_zsh_option(option);
        }
        std::printf("        ) ;;\n");
    }
    std::printf(R"(    esac
    case $command in
        run) _arguments -s -S $options '(-)1:program:_usher_program' '*::argument:_normal' ;;
        probe|wait) _arguments -s $options '*:check:_usher_check' ;;
        sleep) _arguments -s $options '*:duration:' ;;
        status) _arguments -s $options ;;
        install) _arguments -s $options '1:path:_files' ;;
    esac
}

_usher_program() {
    (( CURRENT != 2 )) || compadd %s
    _command_names -e || _files
}

_usher_check() { compadd -S '' -- %s; }

_usher_option_check() { compadd -S '' -- %s; }

# One signal, a colon and another.
_usher_rewrite() {
    if compset -P '*:'; then
        compadd -- %s
    else
        compadd -S : -- %s
    fi
}

_usher_escalation() { compset -P '*:' && compadd -- %s; }

_usher "$@"
)",
                subcommands.c_str(), checks.c_str(), option_checks.c_str(),
                rewritten_to(option_of(OptionId::rewrite)).c_str(),
                rewritten_from(option_of(OptionId::rewrite)).c_str(),
                escalated_to(option_of(OptionId::escalate)).c_str());
}

// --- fish -------------------------------------------------------------------------------------

Text comma_separated(Text words) {
    for (char& c : words) {
        if (c == ' ') c = ',';
    }
    return words;
}

Text fish_values(const Option& option) {
    if (option.id == OptionId::rewrite) return "(__usher_rewrite)";
    if (option.id == OptionId::escalate) return "(__usher_escalation)";
    return values_of(option);
}

void write_fish() {
    std::printf(R"(# fish completion for usher

# The command of the words before the cursor; nothing once the program has come.
function __usher_command
    set -l words (commandline -opc)
    set -e words[1]
    if contains -- "$words[1]" %s
        echo $words[1]
    else if not __usher_program_at >/dev/null
        echo run
    end
end

# Which word before the cursor is the program.
function __usher_program_at
    set -l words (commandline -opc)
    set -l takes_value 0
    for at in (seq 2 (count $words))
        if test $takes_value = 1
            set takes_value 0
            continue
        end
        switch $words[$at]
            case --
                test $at -lt (count $words); or return 1
                echo (math $at + 1)
                return 0
            case )",
                subcommands.c_str());
    for (const Option& option : option_table()) {
        if (known_in(option, 0) && option.takes_value())
            std::printf("%s ", forms(option, " ").c_str());
    }
    std::printf(R"(
                set takes_value 1
            case '-*'
            case '*'
                echo $at
                return 0
        end
    end
    return 1
end

function __usher_complete_program
    if set -l at (__usher_program_at)
        __fish_complete_subcommand --commandline (commandline -opc)[$at..-1] (commandline -ct)
    else if not string match -q -- '-*' (commandline -ct)
        __fish_complete_subcommand --commandline (commandline -ct)
    end
end

# What the word at the cursor has before its colon, if it has one.
function __usher_before_colon
    string match -r -g '^(?:--[a-z]+=|-r)?([^:]*):' -- (commandline -ct)
end

function __usher_rewrite
    if set -l from (__usher_before_colon)
        printf '%%s\n' $from:{%s}
    else
        printf '%%s:\n' %s
    end
end

function __usher_escalation
    if set -l delay (__usher_before_colon)
        printf '%%s\n' $delay:{%s}
    end
end

complete -c usher -f
complete -c usher -n 'not contains -- (__usher_command) %s' -a '(__usher_complete_program)'
complete -c usher -n 'test (count (commandline -opc)) = 1' -a '%s'
complete -c usher -n 'contains -- (__usher_command) probe wait' -a '%s'
complete -c usher -n 'contains -- (__usher_command) install' -F
)",
                comma_separated(rewritten_to(option_of(OptionId::rewrite))).c_str(),
                rewritten_from(option_of(OptionId::rewrite)).c_str(),
                comma_separated(escalated_to(option_of(OptionId::escalate))).c_str(),
                subcommands.c_str(), subcommands.c_str(), checks.c_str());
    for (int command = 0; command < command_count; ++command) {
        for (const Option& option : option_table()) {
            if (!known_in(option, command)) continue;
            std::printf("complete -c usher -n 'test \"$(__usher_command)\" = %s'",
                        name_of(command).c_str());
            if (option.letter != 0) std::printf(" -s %c", option.letter);
            if (!option.name().empty()) std::printf(" -l %s", option.name().view().data());
            if (option.takes_value()) std::printf(takes_paths(option.id) ? " -r -F" : " -x");
            if (const Text values = fish_values(option); !values.empty()) {
                std::printf(" -a '%s'", values.c_str());
            }
            std::printf(" -d %s\n", single_quoted(Text(option.help().view())).c_str());
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const Text shell = argc == 2 ? argv[1] : "";
    if (shell == "bash") {
        write_bash();
    } else if (shell == "zsh") {
        write_zsh();
    } else if (shell == "fish") {
        write_fish();
    } else {
        std::fputs("completions: which shell? accepted: bash, zsh, fish\n", stderr);
        return 2;
    }
    return std::fflush(stdout) == 0 ? 0 : 1;
}
