//! Threads and processes that give way to those that answer.

/// Has this thread, and every thread and process that it starts from now on, give way by so much more than it does
/// (`nice`, to 19 in all): for a processor that it and one which gives way as before both want, it gets a third of what
/// that gets by 5, a tenth by 10.
pub fn give_way(by: i32) {
    // SAFETY: takes and returns numbers; on Linux it concerns the calling thread alone.
    unsafe { libc::nice(by) };
}
