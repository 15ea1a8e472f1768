//! Length-prefixed frames between the pool and a worker.
//!
//! Request: limit in milliseconds (u32), length of the task name (u32), name, payload.
//! Reply: one status byte, then the result or the reason. All integers little-endian.

/// Largest frame either side accepts, bytes: a broken worker must not make the server allocate.
pub(crate) const MAX_FRAME: usize = 64 << 20;

/// The task succeeded.
pub(crate) const STATUS_OK: u8 = 0;
/// The task returned an error.
pub(crate) const STATUS_REFUSED: u8 = 1;
/// Bit added to a status when the worker has grown large and ends after this reply.
pub(crate) const STATUS_RETIRE: u8 = 0x80;

/// The bytes of a request frame without its length prefix.
pub(crate) fn request(task: &str, limit_ms: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + task.len() + payload.len());
    out.extend_from_slice(&limit_ms.to_le_bytes());
    out.extend_from_slice(&u32::try_from(task.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(task.as_bytes());
    out.extend_from_slice(payload);
    out
}

/// Limit in milliseconds, task name and payload of a request, or `None` if it is malformed.
pub(crate) fn parse_request(frame: &[u8]) -> Option<(u32, &str, &[u8])> {
    let (limit, rest) = frame.split_first_chunk::<4>()?;
    let (name_len, rest) = rest.split_first_chunk::<4>()?;
    let name_len = usize::try_from(u32::from_le_bytes(*name_len)).ok()?;
    let (name, payload) = rest.split_at_checked(name_len)?;
    Some((u32::from_le_bytes(*limit), std::str::from_utf8(name).ok()?, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_whole_and_a_broken_one_does_not() {
        let frame = request("compile", 2_000, b"abc");
        assert_eq!(parse_request(&frame), Some((2_000, "compile", &b"abc"[..])));
        assert_eq!(parse_request(&frame[..10]), None);
        assert_eq!(parse_request(&[]), None);
    }
}
