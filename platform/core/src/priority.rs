//! Threads and processes that give way to those that answer.

/// Has this thread, and every thread and process that it starts from now on, give way to others by so much (`nice`, 1 to
/// 19): for a processor that both want, it gets a third of what an ordinary one gets by 5, a tenth by 10. There is no
/// way back; who gives way by more already goes on so.
pub fn give_way(by: i32) {
    // SAFETY: takes and returns numbers; 0 is on Linux the calling thread alone.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, by) };
}
