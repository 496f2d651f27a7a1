//! Who sends without pause: slowed down whatever it sends, and never more than a share of a turn.

use serde_json::json;

use super::*;

#[test]
fn bytes_that_say_nothing_are_slowed_down_as_commands_are() {
    let lines = ["\n", "\r\n", "PONG x\r\n"].map(|line| line.repeat(20_000));
    for noise in lines.into_iter().chain(["x".repeat(400_000)]) {
        let mut config = config();
        (config.limits.flood_burst, config.limits.flood_rate) = (10, 2);
        let mut rig = Rig::with(config);
        let user = rig.user("ann");
        rig.pass(60_000);
        rig.say(user, &noise);
        rig.settle();
        let reads = rig.driver().calls.reads;
        rig.say(user, "\nPING at-last\r\n");
        rig.settle();
        assert_eq!(rig.driver().calls.reads, reads, "the rest waits in the kernel");
        rig.pass(1_000);
        assert!(rig.driver().calls.reads <= reads + 2, "and goes on at the rate of commands");
        assert!(!rig.hear(user).contains("at-last"));
    }
}

#[test]
fn empty_lines_are_skipped_and_what_follows_is_not() {
    let mut rig = Rig::new();
    let user = rig.user("ann");
    let before = rig.stats()["messages_in"].as_u64().unwrap();
    rig.say(user, "\n\r\n\nPING a\n\n\r\nPING b\n");
    rig.settle();
    assert_eq!(rig.hear(user).matches("PONG").count(), 2);
    assert_eq!(rig.stats()["messages_in"], json!(before + 2), "they are no messages");
}

#[test]
fn announcements_share_the_turn_by_their_deliveries() {
    let mut config = config();
    config.limits.deliveries_per_turn = 3;
    let mut rig = Rig::with(config);
    let users = rig.room(["ann", "bob", "cat"]);
    let operator = rig.operator();
    rig.turn();
    let announce = r#"{"jsonrpc":"2.0","id":1,"method":"announce","params":["hear"]}"#;
    rig.say(operator, &format!("{announce}\n").repeat(4));
    for _ in 0..4 {
        rig.turn();
        assert_eq!(users.map(|user| rig.hear(user).matches("hear").count()), [1; 3], "one a turn");
    }
}
