//! The table of what server operators may be allowed to do.

use super::flags::flags;

flags! {
    /// What a server operator may do beyond what everybody may; `[[oper_class]]` gives it.
    Privileges {
        KILL = 0, "kill", "disconnect a user: KILL";
        BAN = 1, "ban", "ban and unban: KLINE, UNKLINE, DLINE, UNDLINE";
        REHASH = 2, "rehash", "make chatd read its configuration again: REHASH";
        DIE = 3, "die", "stop chatd: DIE";
        WALLOPS = 4, "wallops", "write to everybody with mode w: WALLOPS";
        NOTICES = 5, "notices", "get notices of the server about connections, kills and floods: user mode s";
        FILTER = 6, "filter", "see the content filters: STATS f";
        SEE_ALL = 7, "see-all", "see secret channels, invisible users, real hosts and addresses";
        CHANNEL_MODES = 8, "channel-modes", "change the modes of any channel: SAMODE";
        JOIN = 9, "join", "move users into and out of channels: SAJOIN, SAPART";
        NICK = 10, "nick", "change the nick of others: SANICK";
        RENAME = 11, "rename", "rename any channel: RENAME";
        OVERRIDE = 12, "override", "act in channels whatever their modes, bans and ranks; others are told each time";
        FLOOD = 13, "flood", "send as fast as one likes";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Events, Exempt};

    #[test]
    fn every_word_has_a_bit_and_a_name_of_its_own() {
        for table in [Privileges::TABLE, Exempt::TABLE, Events::TABLE] {
            let bits = table.iter().fold(0u32, |all, word| all | word.bit);
            assert_eq!(bits.count_ones() as usize, table.len());
            for (index, word) in table.iter().enumerate() {
                assert!(table[..index].iter().all(|other| other.name != word.name), "{}", word.name);
                assert!(!word.help.is_empty() && !word.help.ends_with('.'), "{}", word.help);
            }
        }
    }

    #[test]
    fn sets_have_what_was_put_in() {
        let both = Privileges::KILL.with(Privileges::SEE_ALL);
        assert!(both.has(Privileges::KILL) && both.has(both) && !Privileges::KILL.has(both));
        assert!(both.names().eq(["kill", "see-all"]));
        assert!(Privileges::NONE.is_empty() && Privileges::from(1 << 31).is_empty() && !both.is_empty());
    }
}
