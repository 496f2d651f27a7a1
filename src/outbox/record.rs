//! What connections were given, in order, whatever becomes of it: for those who check that it arrives.

/// A record of what was given to whom.
#[derive(Debug, Default)]
pub struct Record {
    bytes: Vec<u8>,
    /// To whom, and how much.
    pieces: Vec<(u32, usize)>,
}

impl Record {
    pub(super) fn add(&mut self, slot: u32, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        self.pieces.push((slot, piece.len()));
    }

    /// Slots, and what each was given, in order.
    pub fn pieces(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let mut rest = &self.bytes[..];
        self.pieces.iter().map(move |&(slot, len)| {
            let (piece, after) = rest.split_at(len);
            rest = after;
            (slot, piece)
        })
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.pieces.clear();
    }
}
