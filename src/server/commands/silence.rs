//! Whose messages somebody does not want to get (SILENCE).

use super::super::ctx::Ctx;
use super::super::outgoing::Draft;
use super::{Outcome, for_targets, must_name};
use crate::proto::limits::HOST_MASK;
use crate::proto::mask;
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric;
use crate::proto::text::one_word;

/// `SILENCE [[+|-]<mask>[,...]]`; without a mask, it lists them
pub(super) fn silence(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    match m.get(0).filter(|list| !list.is_empty()) {
        Some(list) => {
            must_name("SILENCE", list)?;
            for_targets(c, list, change);
        }
        None => show(c),
    }
    Ok(())
}

fn change(c: &mut Ctx<'_>, word: &str) -> Outcome {
    let (add, given) = match word.strip_prefix('-') {
        Some(mask) => (false, mask),
        None => (true, word.strip_prefix('+').unwrap_or(word)),
    };
    let full = mask::complete(given);
    if given.is_empty() || one_word(given) != given || full.len() > HOST_MASK {
        let code = format!("INVALID_MASK {}", one_word(given));
        c.fail("SILENCE", &code, &mask::fault(given, HOST_MASK));
        return Ok(());
    }
    let most = c.server.config.limits.silence_entries as usize;
    let masks = &mut c.user_mut().extras_mut().silenced;
    let place = masks.iter().position(|mask| names::same(mask, &full));
    match (add, place) {
        (true, Some(_)) | (false, None) => return Ok(()),
        (true, None) if masks.len() >= most => return Err(numeric::err_silelistfull(full).into()),
        (true, None) => masks.push(full.as_str().into()),
        (false, Some(place)) => _ = masks.remove(place),
    }
    let (source, sign) = (c.source(), if add { '+' } else { '-' });
    c.tell_me(Draft::event(&source, format_args!("SILENCE {sign}{full}")));
    Ok(())
}

fn show(c: &mut Ctx<'_>) {
    let masks: Vec<Box<str>> =
        c.user().extras.as_ref().map_or_else(Vec::new, |extras| extras.silenced.clone());
    let nick = c.user().nick.clone();
    for mask in masks {
        c.reply(numeric::rpl_silelist(&nick, mask));
    }
    c.reply(numeric::rpl_endofsilelist());
}
