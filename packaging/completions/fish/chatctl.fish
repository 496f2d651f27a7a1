# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_chatctl_global_optspecs
    string join \n socket= json timeout= h/help V/version
end

function __fish_chatctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_chatctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_chatctl_using_subcommand
    set -l cmd (__fish_chatctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c chatctl -n "__fish_chatctl_needs_command" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_needs_command" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_needs_command" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_needs_command" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_needs_command" -s V -l version -d 'Print version'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "announce" -d 'Send a notice to every user'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "ban" -d 'Look at the bans from the server, or change them'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "busiest" -d 'Find the clients or channels with most messages now'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "channel" -d 'Look at a channel, or change it as the server'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "completions" -d 'Print what makes a shell complete the command line'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "config" -d 'Check, compare, apply or confirm a configuration'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "kick" -d 'Disconnect a client, or remove a user from one channel'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "drain" -d 'Refuse new clients, or take them again; those who are there stay'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "filter" -d 'Look at the content filter, or change it'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "hash-password" -d 'Make the hash of a password, for an [[oper]] section of the configuration'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "list" -d 'List users, channels, connections or listeners'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "lockdown" -d 'Turn the panic switch on or off, or show it'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "log-level" -d 'Show the log level, or change it until the next reload'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "oper" -d 'Look at the server operators'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "reload" -d 'Read the configuration again: all of it or nothing'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "shutdown" -d 'Tell every client, flush what is queued, and stop'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "stats" -d 'Show counters and gauges'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "top" -d 'Watch the daemon in the terminal: counters, the busiest clients and channels'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "user" -d 'Look at a user'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "version" -d 'Show the daemon\'s name, version and process id'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "watch" -d 'Show events as they happen, until Ctrl-C'
complete -c chatctl -n "__fish_chatctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c chatctl -n "__fish_chatctl_using_subcommand announce" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand announce" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand announce" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand announce" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and not __fish_seen_subcommand_from add del list" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and not __fish_seen_subcommand_from add del list" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and not __fish_seen_subcommand_from add del list" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and not __fish_seen_subcommand_from add del list" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and not __fish_seen_subcommand_from add del list" -f -a "add" -d 'Ban somebody from the server, which a restart keeps'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and not __fish_seen_subcommand_from add del list" -f -a "del" -d 'Remove a ban that was set while chatd runs'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and not __fish_seen_subcommand_from add del list" -f -a "list" -d 'List the bans from the server'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from add" -l duration -d 'How long it lasts, such as 12h, 1w3d or 90 (minutes); 0 is for ever [default: 0]' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from add" -l kind -d 'What it is held against [default: dline for an address or network alone, else kline]' -r -f -a "dline\t''
kline\t''"
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from add" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from add" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from add" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from del" -l kind -d 'What it is held against [default: dline for an address or network alone, else kline]' -r -f -a "dline\t''
kline\t''"
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from del" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from del" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from del" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from del" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from list" -l match -d 'Only those whose mask matches this one; * and ? are wild' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from list" -l limit -d 'At most so many [default: all]' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from list" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from list" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from list" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand ban; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand busiest" -l limit -d 'At most so many' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand busiest" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand busiest" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand busiest" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand busiest" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and not __fish_seen_subcommand_from info mode topic" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and not __fish_seen_subcommand_from info mode topic" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and not __fish_seen_subcommand_from info mode topic" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and not __fish_seen_subcommand_from info mode topic" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and not __fish_seen_subcommand_from info mode topic" -f -a "info" -d 'Show all that is known of a channel'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and not __fish_seen_subcommand_from info mode topic" -f -a "mode" -d 'Change modes of a channel, as the server'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and not __fish_seen_subcommand_from info mode topic" -f -a "topic" -d 'Show, set or clear the topic of a channel'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from info" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from info" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from info" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from mode" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from mode" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from mode" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from mode" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from topic" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from topic" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from topic" -l clear -d 'Take the topic away'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from topic" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand channel; and __fish_seen_subcommand_from topic" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand completions" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand completions" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand completions" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand completions" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and not __fish_seen_subcommand_from apply check confirm diff status" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and not __fish_seen_subcommand_from apply check confirm diff status" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and not __fish_seen_subcommand_from apply check confirm diff status" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and not __fish_seen_subcommand_from apply check confirm diff status" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and not __fish_seen_subcommand_from apply check confirm diff status" -f -a "apply" -d 'Take over the configuration file, as reload does, and go back unless that is confirmed in time'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and not __fish_seen_subcommand_from apply check confirm diff status" -f -a "check" -d 'Say what is wrong with a configuration file, as "chatd --check-config" does; needs no daemon'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and not __fish_seen_subcommand_from apply check confirm diff status" -f -a "confirm" -d 'Keep the configuration that was applied with --confirm-within'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and not __fish_seen_subcommand_from apply check confirm diff status" -f -a "diff" -d 'Show what the configuration file has otherwise than the running daemon'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and not __fish_seen_subcommand_from apply check confirm diff status" -f -a "status" -d 'Show since when the configuration is in force, and whether it waits to be confirmed'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from apply" -l confirm-within -d 'Go back to the configuration before unless "chatctl config confirm" comes within so long, such as 60s' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from apply" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from apply" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from apply" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from check" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from check" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from confirm" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from confirm" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from confirm" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from confirm" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from diff" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from diff" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from diff" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from status" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from status" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from status" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand config; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand kick" -l channel -d 'Remove from this channel only' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand kick" -l id -d 'The client by the id that list shows, registered or not; all words are then the reason' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand kick" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand kick" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand kick" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand kick" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand drain" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand drain" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand drain" -l undo -d 'Take new clients again'
complete -c chatctl -n "__fish_chatctl_using_subcommand drain" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand drain" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and not __fish_seen_subcommand_from add del list test" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and not __fish_seen_subcommand_from add del list test" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and not __fish_seen_subcommand_from add del list test" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and not __fish_seen_subcommand_from add del list test" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and not __fish_seen_subcommand_from add del list test" -f -a "add" -d 'Add a filter, which a restart keeps'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and not __fish_seen_subcommand_from add del list test" -f -a "del" -d 'Remove a filter that was added'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and not __fish_seen_subcommand_from add del list test" -f -a "list" -d 'List the filters'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and not __fish_seen_subcommand_from add del list test" -f -a "test" -d 'Show how the filters would judge a text'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from add" -l on -d 'In which texts, separated by commas [default: message,notice]' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from add" -l action -d 'What happens then [default: block]' -r -f -a "block\t''
warn\t''
kill\t''"
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from add" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from add" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from add" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from del" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from del" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from del" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from del" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from list" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from list" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from list" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from test" -l on -d 'What kind of text it is [default: message]' -r -f -a "message\t''
notice\t''
part\t''
quit\t''
topic\t''
nick\t''
realname\t''
away\t''"
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from test" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from test" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from test" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand filter; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand hash-password" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand hash-password" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand hash-password" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand hash-password" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand list" -l match -d 'Only those with such a nick, nick!user@host, channel name or address; * and ? are wild' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand list" -l channel -d 'Only users in this channel' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand list" -l limit -d 'At most so many [default: all]' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand list" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand list" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand list" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand list" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand lockdown" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand lockdown" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand lockdown" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand lockdown" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand log-level" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand log-level" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand log-level" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand log-level" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand oper; and not __fish_seen_subcommand_from list" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand oper; and not __fish_seen_subcommand_from list" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand oper; and not __fish_seen_subcommand_from list" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand oper; and not __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand oper; and not __fish_seen_subcommand_from list" -f -a "list" -d 'List who is a server operator'
complete -c chatctl -n "__fish_chatctl_using_subcommand oper; and __fish_seen_subcommand_from list" -l limit -d 'At most so many [default: all]' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand oper; and __fish_seen_subcommand_from list" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand oper; and __fish_seen_subcommand_from list" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand oper; and __fish_seen_subcommand_from list" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand oper; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand reload" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand reload" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand reload" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand reload" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand shutdown" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand shutdown" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand shutdown" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand shutdown" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand stats" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand stats" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand stats" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand stats" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand top" -l interval -d 'How long to wait between two looks' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand top" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand top" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand top" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand top" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand user; and not __fish_seen_subcommand_from info" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand user; and not __fish_seen_subcommand_from info" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand user; and not __fish_seen_subcommand_from info" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand user; and not __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand user; and not __fish_seen_subcommand_from info" -f -a "info" -d 'Show all that is known of a user'
complete -c chatctl -n "__fish_chatctl_using_subcommand user; and __fish_seen_subcommand_from info" -l id -d 'The user, by the id that list shows' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand user; and __fish_seen_subcommand_from info" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand user; and __fish_seen_subcommand_from info" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand user; and __fish_seen_subcommand_from info" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand user; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand version" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand version" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand version" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand version" -s h -l help -d 'Print help'
complete -c chatctl -n "__fish_chatctl_using_subcommand watch" -l filter -d 'Only these kinds, and only about such nicks, channels and addresses; separated by commas [default: all]' -r -f -a "ban\t''
banned\t''
connect\t''
drain\t''
filter\t''
flood\t''
gateway\t''
join\t''
kick\t''
kill\t''
limit\t''
listener\t''
lockdown\t''
nick\t''
oper\t''
part\t''
quit\t''
register\t''
reload\t''
shutdown\t''
nick=\t'only users with such a nick; * and ? are wild'
channel=\t'only in such channels'
address=\t'only connections from such an IP address'"
complete -c chatctl -n "__fish_chatctl_using_subcommand watch" -l socket -d 'The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]' -r -F
complete -c chatctl -n "__fish_chatctl_using_subcommand watch" -l timeout -d 'Give up when there is no answer for so long' -r
complete -c chatctl -n "__fish_chatctl_using_subcommand watch" -l json -d 'Print JSON for programs: one document on a line, for list one for each item'
complete -c chatctl -n "__fish_chatctl_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "announce" -d 'Send a notice to every user'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "ban" -d 'Look at the bans from the server, or change them'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "busiest" -d 'Find the clients or channels with most messages now'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "channel" -d 'Look at a channel, or change it as the server'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "completions" -d 'Print what makes a shell complete the command line'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "config" -d 'Check, compare, apply or confirm a configuration'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "kick" -d 'Disconnect a client, or remove a user from one channel'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "drain" -d 'Refuse new clients, or take them again; those who are there stay'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "filter" -d 'Look at the content filter, or change it'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "hash-password" -d 'Make the hash of a password, for an [[oper]] section of the configuration'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "list" -d 'List users, channels, connections or listeners'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "lockdown" -d 'Turn the panic switch on or off, or show it'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "log-level" -d 'Show the log level, or change it until the next reload'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "oper" -d 'Look at the server operators'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "reload" -d 'Read the configuration again: all of it or nothing'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "shutdown" -d 'Tell every client, flush what is queued, and stop'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "stats" -d 'Show counters and gauges'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "top" -d 'Watch the daemon in the terminal: counters, the busiest clients and channels'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "user" -d 'Look at a user'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "version" -d 'Show the daemon\'s name, version and process id'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "watch" -d 'Show events as they happen, until Ctrl-C'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and not __fish_seen_subcommand_from announce ban busiest channel completions config kick drain filter hash-password list lockdown log-level oper reload shutdown stats top user version watch help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from ban" -f -a "add" -d 'Ban somebody from the server, which a restart keeps'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from ban" -f -a "del" -d 'Remove a ban that was set while chatd runs'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from ban" -f -a "list" -d 'List the bans from the server'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from channel" -f -a "info" -d 'Show all that is known of a channel'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from channel" -f -a "mode" -d 'Change modes of a channel, as the server'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from channel" -f -a "topic" -d 'Show, set or clear the topic of a channel'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "apply" -d 'Take over the configuration file, as reload does, and go back unless that is confirmed in time'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Say what is wrong with a configuration file, as "chatd --check-config" does; needs no daemon'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "confirm" -d 'Keep the configuration that was applied with --confirm-within'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "diff" -d 'Show what the configuration file has otherwise than the running daemon'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "status" -d 'Show since when the configuration is in force, and whether it waits to be confirmed'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from filter" -f -a "add" -d 'Add a filter, which a restart keeps'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from filter" -f -a "del" -d 'Remove a filter that was added'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from filter" -f -a "list" -d 'List the filters'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from filter" -f -a "test" -d 'Show how the filters would judge a text'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from oper" -f -a "list" -d 'List who is a server operator'
complete -c chatctl -n "__fish_chatctl_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "info" -d 'Show all that is known of a user'
