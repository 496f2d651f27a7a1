//! Who may write to somebody with mode `g` (caller-id).

use super::super::ctx::Ctx;
use super::super::extras::Accepted;
use super::{Outcome, for_targets, must_name};
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric;

/// `ACCEPT [[-]<nick>[,...]]`; without a nick, or with `*`, it lists those accepted
pub(super) fn accept(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    forget_departed(c);
    let list = m.get(0).filter(|list| !list.is_empty()).unwrap_or("*");
    must_name("ACCEPT", list)?;
    for_targets(c, list, |c, word| match word.strip_prefix('-') {
        Some(nick) => remove(c, nick),
        None if word == "*" => {
            show(c);
            Ok(())
        }
        None => add(c, word.strip_prefix('+').unwrap_or(word)),
    });
    Ok(())
}

/// Whether the client may accept one more.
pub(super) fn has_room(c: &mut Ctx<'_>) -> bool {
    forget_departed(c);
    let most = c.server.config.limits.accept_entries as usize;
    entries(c).len() < most
}

/// Who left or took another nick is not accepted any more.
fn forget_departed(c: &mut Ctx<'_>) {
    let Some(extras) = &mut c.user_mut().extras else { return };
    let mut accepted = std::mem::take(&mut extras.accepted);
    accepted.retain(|entry| entry.is_current(c.server));
    if !accepted.is_empty() {
        c.user_mut().extras_mut().accepted = accepted;
    }
}

fn entries<'a>(c: &'a Ctx<'_>) -> &'a [Accepted] {
    c.user().extras.as_ref().map_or(&[], |extras| &extras.accepted)
}

fn add(c: &mut Ctx<'_>, nick: &str) -> Outcome {
    let slot = c.find_user(nick)?;
    if entries(c).iter().any(|entry| entry.means(c.server, slot)) {
        return Err(numeric::err_acceptexist(&c.user_at(slot).nick).into());
    }
    if !has_room(c) {
        return Err(numeric::err_acceptfull().into());
    }
    let entry = Accepted::new(c.server, slot);
    c.user_mut().extras_mut().accepted.extend(entry);
    Ok(())
}

fn remove(c: &mut Ctx<'_>, nick: &str) -> Outcome {
    let Some(place) = entries(c).iter().position(|entry| names::same(entry.nick(), nick)) else {
        return Err(numeric::err_acceptnot(nick).into());
    };
    c.user_mut().extras_mut().accepted.remove(place);
    Ok(())
}

fn show(c: &mut Ctx<'_>) {
    let nicks: Vec<String> = entries(c).iter().map(|entry| entry.nick().to_owned()).collect();
    for nick in nicks {
        c.reply(numeric::rpl_acceptlist(nick));
    }
    c.reply(numeric::rpl_endofaccept());
}
