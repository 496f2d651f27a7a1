//! What one client was given by the server, and what of it has arrived: the outbox says the one, the far end of the
//! connection the other, and nothing between them is believed.

/// The bytes on their way to one client.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    /// Given, and not read by the client; what is before `start` has been.
    due: Vec<u8>,
    start: usize,
    given: u64,
}

impl Parcel {
    /// The server gives the client something.
    pub(crate) fn give(&mut self, piece: &[u8]) {
        if self.start == self.due.len() {
            self.due.clear();
            self.start = 0;
        }
        self.due.extend_from_slice(piece);
        self.given += piece.len() as u64;
    }

    /// The client has read something.
    pub(crate) fn arrive(&mut self, bytes: &[u8]) -> Result<(), String> {
        let due = &self.due[self.start..];
        if due.len() >= bytes.len() && due[..bytes.len()] == *bytes {
            self.start += bytes.len();
            return Ok(());
        }
        let matching = due.iter().zip(bytes).take_while(|(due, byte)| due == byte).count();
        let show = |bytes: &[u8]| {
            let from = matching.saturating_sub(40).min(bytes.len());
            String::from_utf8_lossy(&bytes[from..bytes.len().min(matching + 80)]).into_owned()
        };
        Err(format!("it reads {:?} where {:?} was due", show(bytes), show(due)))
    }

    /// Bytes given so far.
    pub(crate) fn given(&self) -> u64 {
        self.given
    }

    /// Bytes given that the client has not read.
    pub(crate) fn missing(&self) -> usize {
        self.due.len() - self.start
    }
}
