//! Passwords as argon2 hashes in PHC strings: making them, and checking a password against one.

use std::sync::{Mutex, PoisonError};

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};

/// Memory in KiB, passes and lanes of the hashes made here (OWASP Password Storage Cheat Sheet, "Argon2id").
const PARAMETERS: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Hashes a password with argon2id and a fresh salt. Takes some hundredths of a second and 19 MiB.
///
/// # Errors
/// In words, for the person who chose it: it is longer than argon2 takes, or the system has no randomness.
pub fn hash(password: &str) -> Result<String, String> {
    let (memory, passes, lanes) = PARAMETERS;
    let params = Params::new(memory, passes, lanes, None).map_err(|error| error.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// What passwords are checked in, one at a time. It is kept, as the system's allocator gives back little of what is allocated
/// and freed again and again in such pieces: soon a few checks would hold a hundred MiB.
static MEMORY: Mutex<Vec<Block>> = Mutex::new(Vec::new());

/// Whether `password` is the one of which the PHC string `phc` was made. Takes as long and as much memory as `phc` says: it must
/// have been checked. As much as [`hash`] takes is kept for the next one. One that is no argon2 hash is nobody's. `None` if there is
/// no memory to find out.
pub fn verify(phc: &str, password: &str) -> Option<bool> {
    match computed(phc, password) {
        Ok((expected, computed)) => Some(expected == computed),
        Err(Failure::NoHash) => Some(false),
        Err(Failure::NoMemory) => None,
    }
}

/// Why nothing was computed.
enum Failure {
    NoHash,
    NoMemory,
}

/// The output that a hash names, and that of the password with the hash's parameters. Comparing them takes the same time
/// wherever they differ.
fn computed(phc: &str, password: &str) -> Result<(Output, Output), Failure> {
    let hash = PasswordHash::new(phc).map_err(|_| Failure::NoHash)?;
    let (salt, expected) = hash.salt.zip(hash.hash).ok_or(Failure::NoHash)?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| Failure::NoHash)?;
    let version =
        hash.version.map_or(Ok(Version::default()), Version::try_from).map_err(|_| Failure::NoHash)?;
    let params = Params::try_from(&hash).map_err(|_| Failure::NoHash)?;
    let blocks = params.block_count();
    let mut output = [0; Output::MAX_LENGTH];
    let output = output.get_mut(..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN));
    let output = output.ok_or(Failure::NoHash)?;
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(more) = blocks.checked_sub(memory.len()) {
        // The largest piece of memory that chatd ever asks for, and the one that can wait.
        memory.try_reserve_exact(more).map_err(|_| Failure::NoMemory)?;
        memory.resize(blocks, Block::default());
    }
    let argon2 = Argon2::new(algorithm, version, params);
    let done =
        argon2.hash_password_into_with_memory(password.as_bytes(), &salt, output, &mut memory[..blocks]);
    // Few hashes are made to take more than those of here.
    if blocks > PARAMETERS.0 as usize {
        *memory = Vec::new();
    }
    done.map_err(|_| Failure::NoHash)?;
    Ok((expected, Output::new(output).map_err(|_| Failure::NoHash)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash() {
        let hash = hash("open \u{e9}").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, super::hash("open \u{e9}").unwrap(), "each with a salt of its own");
        assert_eq!(verify(&hash, "open \u{e9}"), Some(true));
        assert_eq!((verify(&hash, "open e"), verify(&hash, "")), (Some(false), Some(false)));
    }

    #[test]
    fn the_parameters_are_the_hashs_own() {
        // The example of the reference implementation's manual.
        let hash = "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG";
        assert_eq!((verify(hash, "password"), verify(hash, "Password")), (Some(true), Some(false)));
    }

    #[test]
    fn what_one_check_leaves_in_memory_does_not_matter_to_the_next() {
        let large = "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG";
        let small = hash("sesame").unwrap();
        for _ in 0..2 {
            assert_eq!(verify(large, "password"), Some(true));
            assert_eq!((verify(&small, "sesame"), verify(&small, "password")), (Some(true), Some(false)));
        }
    }

    #[test]
    fn what_is_no_argon2_hash_is_nobodys() {
        let good = hash("sesame").unwrap();
        let scrypt = good.replace("argon2id", "scrypt");
        let short = good.rsplit_once('$').unwrap().0;
        for bad in ["", "sesame", "$argon2id$v=19$m=8,t=1,p=1", short, &scrypt] {
            assert_eq!((verify(bad, "sesame"), verify(bad, "")), (Some(false), Some(false)), "{bad}");
        }
    }
}
