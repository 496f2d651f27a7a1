complete -c chatd -l config -d 'Read this configuration instead of /etc/chatd/chatd.toml' -r -F
complete -c chatd -l check-config -d 'Say what is wrong with the configuration, if anything, and exit'
complete -c chatd -l print-config -d 'Print the configuration in force, as TOML, and exit'
complete -c chatd -l daemonize -d 'Detach from the terminal; return when the daemon listens, or with an error'
complete -c chatd -s h -l help -d 'Print help (see more with \'--help\')'
complete -c chatd -s V -l version -d 'Print version'
