"""What a bot on `irc`, the library for Python, understands of a session."""

import re

from place import NAME
from report import expect

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def pybot(place):
    """A bot on irc for Python"""
    pat = place.pat
    bot = place.python("snake", "pybot.py", str(place.port), "snake")
    yield from registration(place, bot)
    pat.send("JOIN #den sesame\r\nMODE #den +k sesame\r\nTOPIC #den :Trains, and nothing else")
    pat.expect(" TOPIC ")
    yield from channel(bot, pat)
    yield from messages(bot, pat)
    yield from people(place, bot, pat)
    yield from reconnection(place, bot, pat)


def registration(place, bot):
    """From NICK to the capabilities, which this library asks for when it is registered."""
    yield "registration: welcome, 005, message of the day"
    bot.gets("welcome", source=NAME, target="snake", arguments=[re.compile("^Welcome to the chatd network")])
    bot.gets("myinfo", arguments=[NAME, re.compile("^chatd-"), re.compile("B"), re.compile("b"), re.compile("k")])
    bot.gets("motd", arguments=["- Mind the gap."])
    bot.gets("endofmotd")
    expect(bot.ask("self") == {"nick": "snake", "server": NAME}, bot.ask("self"))
    features = bot.ask("features")
    expect(features["prefix"] == {"@": "o", "%": "h", "+": "v"} and len(features["chanmodes"]) == 4, features)
    expect(features["targmax"]["PRIVMSG"] > 1 and features["maxlist"]["b"] > 1, features)
    expect(features["chanlimit"]["#"] > 1 and features["network"] == "chatd" and features["monitor"] > 1, features)
    yield "capabilities, asked for after registration"
    bot.gets("cap", arguments=lambda words: words[0] == "LS" and "message-tags" in words[-1].split())
    bot.gets("cap", arguments=lambda words: words[0] == "ACK" and "server-time" in words[-1].split())
    yield "a nick that is taken, and another one"
    again = place.python("again", "pybot.py", str(place.port), "SNAKE")
    again.gets("nicknameinuse", arguments=["SNAKE", re.compile("in use")])
    again.gets("welcome", target="SNAKE_")
    again.do("quit", "bye")
    again.gets("error", target=re.compile("bye"))


def channel(bot, pat):
    """A channel, as the library keeps it."""
    yield "a key that is wrong, and the right one"
    bot.do("join", "#den", "swordfish")
    bot.gets("badchannelkey", arguments=["#den", re.compile(r"\+k")])
    bot.do("join", "#den", "sesame")
    bot.gets("join", source="snake", target="#den", tags={"time": TIME})
    bot.gets("currenttopic", arguments=["#den", "Trains, and nothing else"])
    bot.gets("topicinfo", arguments=["#den", re.compile("^pat"), re.compile(r"^\d+$")])
    bot.gets("namreply", arguments=["=", "#den", lambda names: set(names.split()) == {"@pat", "snake"}])
    bot.gets("endofnames")
    kept = bot.ask("channel", "#den")
    expect(kept == {"users": ["pat", "snake"], "ops": ["pat"], "halfops": [], "voiced": [], "modes": {}}, kept)
    yield "modes, as the library keeps them"
    pat.send("MODE #den +ovh snake snake snake\r\nMODE #den +ml 20\r\nMODE #den -m+b *!*@192.0.2.1")
    bot.gets("mode", source="pat", target="#den", arguments=["+ovh", "snake", "snake", "snake"])
    bot.gets("mode", arguments=["+ml", "20"])
    bot.gets("mode", arguments=["-m+b", "*!*@192.0.2.1"])
    kept = bot.ask("channel", "#den")
    expect((kept["ops"], kept["halfops"], kept["voiced"]) == (["pat", "snake"], ["snake"], ["snake"]), kept)
    bot.do("mode", "#den", "-kv sesame snake")
    bot.gets("mode", source="snake", target="#den", arguments=lambda words: words[0] == "-kv" and words[2] == "snake")
    expect(bot.ask("channel", "#den")["voiced"] == [], bot.ask("channel", "#den"))
    bot.do("mode", "#den", "")
    bot.gets("channelmodeis", arguments=lambda words: words[0] == "#den" and set("lnt") < set(words[1]))
    bot.gets("channelcreate", arguments=["#den", re.compile(r"^\d+$")])
    bot.do("mode", "#den", "b")
    bot.gets("banlist", arguments=["#den", "*!*@192.0.2.1", re.compile("^pat"), re.compile(r"^\d+$")])
    bot.gets("endofbanlist")
    yield "topics, lists, nicks"
    bot.do("topic", "#den", "All : aboard")
    bot.gets("topic", source="snake", target="#den", arguments=["All : aboard"])
    bot.do("list")
    bot.gets("list", arguments=["#den", "2", "All : aboard"])
    bot.gets("listend")
    pat.send("NICK patty")
    bot.gets("nick", source="pat", target="patty")
    expect(bot.ask("channel", "#den")["ops"] == ["patty", "snake"], bot.ask("channel", "#den"))
    pat.send("NICK pat")
    bot.gets("nick", target="pat")
    yield "kicks and invitations"
    bot.do("kick", "#den", "pat", "mind the doors")
    bot.gets("kick", source="snake", target="#den", arguments=["pat", "mind the doors"])
    expect(bot.ask("channel", "#den")["users"] == ["snake"], bot.ask("channel", "#den"))
    bot.do("mode", "#den", "+i")
    bot.do("invite", "pat", "#den")
    bot.gets("inviting", arguments=["pat", "#den"])
    pat.send("JOIN #den\r\nJOIN #lounge\r\nMODE #lounge +i\r\nINVITE snake #lounge")
    bot.gets("join", source="pat", target="#den")
    bot.gets("invite", source="pat", target="snake", arguments=["#lounge"])
    bot.do("join", "#lounge")
    bot.gets("endofnames", arguments=["#lounge", re.compile("End")])
    pat.send("PART #den :last stop")
    bot.gets("part", source="pat", target="#den", arguments=["last stop"])
    bot.do("join", "#Den")
    bot.do("part", "#den", "all")
    bot.gets("part", source="snake", target="#den", arguments=["all"])
    expect(bot.ask("channel", "#den") is None, bot.ask("channel", "#den"))


def messages(bot, pat):
    """Messages in both directions, with tags."""
    yield "a message and its echo, both with the same id"
    bot.do("privmsg", "#lounge", "echo this")
    echo = bot.gets("pubmsg", source="snake", target="#lounge", arguments=["echo this"], tags={"time": TIME})
    expect(f"msgid={echo['tags']['msgid']}" in pat.expect("PRIVMSG #lounge :?echo this"), echo)
    yield "a label, on an echo and on a batch"
    bot.do("send_raw", "@label=one PRIVMSG #lounge :labelled")
    bot.gets("pubmsg", source="snake", arguments=["labelled"], tags={"label": "one"})
    bot.do("send_raw", "@label=two WHOIS pat")
    opened = bot.gets("batch", target=re.compile(r"^\+"), arguments=["labeled-response"], tags={"label": "two"})
    reference = opened["target"][1:]
    bot.gets("whoisuser", arguments=["pat", "~pat", "127.0.0.1", "*", "pat"], tags={"batch": reference})
    bot.gets("endofwhois", tags={"batch": reference})
    bot.gets("batch", target=f"-{reference}")
    yield "tags with everything that needs an escape"
    pat.send("@+example/c=a\\:b\\sc\\\\d\\r\\ne;+example/d PRIVMSG snake :escaped")
    bot.gets("privmsg", source="pat", target="snake", arguments=["escaped"],
             tags={"+example/c": "a;b c\\d\r\ne", "+example/d": None, "time": TIME})
    pat.send("@+typing=active TAGMSG #lounge")
    bot.gets("tagmsg", source="pat", target="#lounge", tags={"+typing": "active"})
    yield "notices, actions, CTCP"
    pat.send("NOTICE snake :take notice\r\nPRIVMSG #lounge :\1ACTION waves\1\r\nPRIVMSG snake :\1VERSION\1")
    bot.gets("privnotice", source="pat", target="snake", arguments=["take notice"])
    bot.gets("action", source="pat", target="#lounge", arguments=["waves"])
    pat.expect("NOTICE pat :\1VERSION Python irc.bot")
    bot.do("action", "#lounge", "naps")
    pat.expect("PRIVMSG #lounge :\1ACTION naps\1")
    yield "a text that fills its line comes through whole, up to a whole character"
    bot.do("privmsg", "#lounge", "電車" * 80)
    part = pat.expect("PRIVMSG #lounge :?電").split("#lounge ", 1)[1].removeprefix(":")
    expect(set(part) == {"電", "車"} and len(part) > 140, part)


def people(place, bot, pat):
    """Who is who, here, away, a bot."""
    yield "WHOIS, WHO, USERHOST, ISON"
    pat.send("AWAY :at lunch")
    bot.gets("away", source="pat", target="at lunch")
    bot.do("whois", "pat")
    bot.gets("whoisuser", arguments=["pat", "~pat", "127.0.0.1", "*", "pat"])
    bot.gets("whoischannels", arguments=["pat", re.compile("@#lounge")])
    bot.gets("whoisserver", arguments=["pat", NAME, "A chat server"])
    bot.gets("away", source=NAME, arguments=["pat", "at lunch"])
    bot.gets("whoisidle", arguments=["pat", re.compile(r"^\d+$"), re.compile(r"^\d+$"), re.compile("idle")])
    bot.do("who", "#lounge")
    bot.gets("whoreply", arguments=["#lounge", "~pat", "127.0.0.1", NAME, "pat", "G@", "0 pat"])
    bot.gets("endofwho")
    bot.do("send_raw", "WHO #lounge %tcuhnfar,7")
    bot.gets("whospcrpl", arguments=["7", "#lounge", "~pat", "127.0.0.1", "pat", "G@", "0", "pat"])
    bot.do("userhost", ["pat"])
    bot.gets("userhost", arguments=[re.compile(r"^pat=-~pat@127\.0\.0\.1 ?$")])
    bot.do("ison", ["pat", "nobody"])
    bot.gets("ison", arguments=[re.compile("^pat ?$")])
    yield "away, back, another real name, bot mode"
    pat.send("AWAY\r\nSETNAME :Patricia of the Trains")
    bot.gets("away", source="pat", target=None)
    bot.gets("setname", source="pat", target="Patricia of the Trains")
    bot.do("mode", "snake", "+B")
    bot.gets("umode", source="snake", target="snake", arguments=["+B"])
    pat.send("WHOIS snake")
    pat.expect(" 335 pat snake :is a bot")
    bot.do("privmsg", "#lounge", "beep")
    expect(re.search(r"^@\S*\bbot\b", pat.expect("PRIVMSG #lounge :?beep")), "no tag says that it is a bot")
    yield "MONITOR"
    bot.do("send_raw", "MONITOR + pat,late")
    bot.gets("730", arguments=[re.compile("^pat!")])
    bot.gets("731", arguments=["late"])
    late = place.peer("late")
    bot.gets("730", arguments=[re.compile("^late!~late@")])
    late.quit("last train")
    bot.gets("731", arguments=["late"])
    bot.do("whowas", "late")
    bot.gets("whowasuser", arguments=["late", "~late", "127.0.0.1", "*", "late"])
    bot.gets("endofwhowas")
    yield "what is refused"
    bot.do("send_raw", "BOGUS one")
    bot.gets("unknowncommand", arguments=["BOGUS", re.compile("Unknown")])
    bot.do("privmsg", "nobody", "hello?")
    bot.gets("nosuchnick", arguments=["nobody", re.compile("No such nick")])
    bot.do("mode", "#lounge", "+t")
    bot.gets("chanoprivsneeded", arguments=["#lounge", re.compile("operator")])
    bot.do("send_raw", "INVITE pat")
    bot.gets("needmoreparams", arguments=["INVITE", re.compile("parameters")])
    bot.do("nick", "1bad")
    bot.gets("erroneusnickname", arguments=["1bad", re.compile("nick")])


def reconnection(place, bot, pat):
    """Disconnected by the server, it comes back."""
    yield "it is disconnected, and connects again"
    place.daemon.ctl("kick", "snake", "ticket", "please")
    bot.gets("error", target=re.compile("ticket please"))
    bot.gets("disconnect")
    bot.gets("welcome", target="snake")
    bot.do("join", "#lounge2")
    bot.gets("endofnames", arguments=["#lounge2", re.compile("End")])
