"""What weechat and irssi show of everything beside talk that they support, with a third user who types lines."""


def features(setting):
    """Capabilities, modes and queries, as both clients show them"""
    irs, wee = setting.irs, setting.wee
    yield "the capabilities that each asks for"
    # The lines are longer than the screens are wide.
    for client, verb, names in (
            (wee, "enabled", ("account-notify", "away-notify", "cap-notify", "extended-join", "invite-notify",
                              "message-tags", "multi-prefix", "server-time", "setname", "userhost-in-names")),
            (irs, "acknowledged", ("multi-prefix", "extended-join", "setname", "invite-notify", "away-notify",
                                   "account-notify", "server-time"))):
        client.sees(rf"(?s){verb}: .*" + r"\s.*".join(names))
    # It sends a line in 2 s, which it asks about when it connects.
    irs.do("/set cmd_queue_speed 10msec", "/reconnect")
    irs.sees(r"(?s)Reconnecting.*Mind the gap")
    setting.meet()
    pat = setting.peer("pat", "message-tags")
    pat.send("JOIN #den")
    pat.expect(" 366 ")
    for part in (moderation, doors, presence, queries):
        yield from part(setting, irs, wee, pat)


def moderation(_setting, irs, wee, pat):
    """Ranks and lists."""
    yield "a join with account and real name, ranks"
    wee.sees(r"pat \(pat\) \(~pat@127\.0\.0\.1\) has joined #den")
    irs.do("/op pat", "/mode +hv wee wee")
    wee.sees(r"Mode #den \[\+hv wee wee\] by irs", r"\[%wee\]")
    wee.do("/names")
    wee.sees(r"Nicks #den: \[@irs @pat %wee\]", r"2 ops, 1 halfop, 0 voices")
    yield "bans, exceptions, invite exceptions, quiets, and their lists"
    irs.do("/ban evil!*@*", "/mode +eI *!*@good.example friend!*@*")
    wee.sees(r"Mode #den \[\+b evil!\*@\*\] by irs", r"Mode #den \[\+eI \*!\*@good\.example friend!\*@\*\] by irs")
    wee.do("/quiet $j:#noise")
    irs.sees(r"mode/#den \[\+q \$j:#noise\] by wee")
    wee.do("/mode #den b", "/mode #den e", "/mode #den I", "/mode #den q")
    wee.sees(r"\[#den\] \[1\] evil!\*@\* banned by irs", r"\[#den\] End of channel ban list",
             r"\[#den\] \[1\] exception \*!\*@good\.example by irs", r"\[#den\] \[1\] friend!\*@\* invited by irs",
             r"\[#den\] \[1\] \$j:#noise quieted by wee")
    irs.do("/mode #den b")
    irs.sees(r"#den: ban evil!\*@\* \[by irs")
    yield "they are taken back"
    wee.do("/unquiet $j:#noise", "/unban evil!*@*")
    irs.sees(r"mode/#den \[-q \$j:#noise\] by wee", r"mode/#den \[-b evil!\*@\*\] by wee")
    yield "a message to those with a rank"
    pat.send("NOTICE @#den :for operators")
    irs.sees(r"pat:@#den- for operators")
    wee.do("/msg @#den halves may, too")
    pat.expect(r"PRIVMSG @#den :?halves may, too")


def doors(setting, irs, wee, pat):
    """Keys, limits, invitations, knocks, forwards."""
    yield "a key and a limit"
    irs.do("/mode +kl sesame 20")
    wee.sees(r"Mode #den \[\+kl sesame 20\] by irs")
    pat.send("PART #den")
    irs.sees(r"pat \[.*\] has left #den")
    pat.send("JOIN #den sesame")
    irs.sees(r"(?s)has left #den.*pat \[.*\] has joined #den")
    irs.do("/mode -kl sesame")
    wee.sees(r"Mode #den \[-kl .*by irs")
    yield "by invitation only: refused, a knock, an invitation"
    irs.do("/mode +i")
    irs.sees(r"mode/#den \[\+i\] by irs")
    wee.do("/part #den", "/join #den")
    wee.sees(r"#den: Cannot join channel \(\+i\)")
    wee.do("/quote KNOCK #den")
    irs.sees(r"#den wee!~\S+@127\.0\.0\.1 has asked for an invite")
    irs.do("/invite wee #den")
    wee.window("server")
    wee.sees(r"#den.*Your KNOCK has been delivered", r"You have been invited to #den by irs")
    wee.do("/join #den")
    irs.sees(r"(?s)wee \[.*\] has left #den.*wee \[.*\] has joined #den")
    yield "who may invite hears of invitations"
    wee.window("#den")
    irs.do("/op wee")
    wee.sees(r"Mode #den \[\+o wee\] by irs")
    guest = setting.peer("guest")
    irs.do("/invite guest #den")
    guest.expect(r"INVITE guest :?#den")
    wee.window("server")
    wee.sees(r"irs has invited guest to #den")
    wee.window("#den")
    yield "a forward, from a channel that is full"
    irs.do("/join #lobby")
    irs.sees(r"\[#lobby\]")
    irs.window("#den")
    irs.do("/mode -i+lf 3 #lobby")
    irs.sees(r"mode/#den \[-i\+lf 3 #lobby\] by irs")
    late = setting.peer("late")
    late.send("JOIN #den")
    late.expect(r" 470 late #den #lobby ")
    irs.window("#lobby")
    irs.sees(r"late \[.*\] has joined #lobby")
    late.quit("last train")
    irs.window("#den")


def presence(setting, irs, wee, pat):
    """Who is there, and how they are called."""
    yield "somebody types, on both sides"
    pat.send("@+typing=active TAGMSG #den")
    wee.sees(r"\[Typing: pat\]")
    pat.send("PRIVMSG #den :that was it")
    wee.hears("pat", "that was it")
    wee.screen.write("and now")
    pat.expect(r"^@\S*\+typing=active\S* :wee!\S+ TAGMSG #den")
    wee.screen.key("Enter")
    pat.expect(r"PRIVMSG #den :?and now")
    yield "real names change"
    wee.do("/setname Weird Wee")
    wee.window("server")
    wee.sees(r'Your real name has been set to "Weird Wee"')
    wee.window("#den")
    pat.send("SETNAME :Pat of the Trains")
    wee.sees(r'pat has changed real name to "Pat of the Trains"')
    irs.do("/whois wee")
    irs.window("server")
    irs.sees(r"ircname +: Weird Wee", r"channels +: [@%+]*#den")
    yield "a bot is marked"
    wee.do("/mode wee +B")
    irs.do("/whois wee")
    irs.sees(r" : is a bot on chatd")
    irs.window("#den")
    yield "MONITOR: weechat notifies of who comes and goes"
    wee.window("server")
    wee.do("/notify add tom", "/notify add pat")
    wee.sees(r"notify: tom is offline", r"notify: pat \(~pat@127\.0\.0\.1\) is connected")
    tom = setting.peer("tom")
    wee.sees(r"notify: tom \(~tom@127\.0\.0\.1\) has connected")
    tom.quit("bye")
    wee.sees(r"notify: tom has quit")
    irs.window("server")
    irs.do("/quote MONITOR + pat,tom")
    irs.sees(r"pat!~pat@127\.0\.0\.1", r"\btom$")
    yield "mode g: who is kept away, and let in"
    wee.do("/mode wee +g")
    wee.sees(r"\+Bg|\[\+g\]")
    pat.send("PRIVMSG wee :hello?")
    pat.expect(r" 716 pat wee ")
    wee.sees(r"pat ~pat@127\.0\.0\.1 writes to you")
    wee.do("/quote ACCEPT pat", "/quote ACCEPT *")
    wee.sees(r"(?m)\bpat$", r"End of .*ACCEPT")
    pat.send("PRIVMSG wee :hello again")
    wee.window("pat")
    wee.hears("pat", "hello again")
    wee.do("/mode wee -g")


def queries(_setting, irs, wee, _pat):
    """What is asked, and shown."""
    wee.window("server")
    yield "WHO, WHOX, WHOWAS, LIST"
    wee.do("/who #den", "/who #den %tcuhnfar,7", "/whowas tom", "/list")
    wee.sees(r"\[#den\] pat \(~pat@127\.0\.0\.1\) H@? 0 \(Pat of the Trains\)", r"\[#den\] End of WHO list",
             r"\[7\] pat", r"\[tom\] \(~tom@127\.0\.0\.1\) was tom", r"#den\(3\)", r"End of /LIST")
    irs.do("/who #den", "/whowas tom")
    irs.sees(r"#den wee +H", r"tom \[~tom@127\.0\.0\.1\]", r"End of WHOWAS")
    yield "what the server says of itself"
    wee.do("/version chat.example", "/time", "/links", "/map", "/info", "/admin", "/ison pat nobody", "/userhost pat",
           "/quote HELP KNOCK")
    wee.sees(r"chatd-\S+ chat\.example", r"chat\.example \d{4}-\d\d-\d\dT", r"\* End of /LINKS list", r"End of /MAP",
             r"End of /INFO list", r"Users online: pat", r"pat=\+~pat@127\.0\.0\.1", r"\*\* KNOCK \*\*")
    irs.do("/lusers", "/stats u", "/admin")
    irs.sees(r"There are \d users and 1 invisible", r"\d+ channels formed", r"(?i)server up")
    yield "what is refused"
    irs.do("/quote BOGUS", "/nick 1bad", "/invite nobody #den")
    irs.sees(r"BOGUS Unknown command", r"1bad Erroneous nickname", r"nobody: No such nick/channel")
    yield "CTCP, from client to client"
    irs.do("/ctcp wee version")
    irs.sees(r"CTCP VERSION reply from wee: WeeChat")
