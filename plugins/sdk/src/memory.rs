//! The component's allocator. A call works in a fresh memory that is thrown away after it, so what counts is
//! how quickly a place is found: freed places wait in a list of their size, new ones are taken from the end.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::UnsafeCell;
use core::ptr::null_mut;

/// Bytes of a page of WebAssembly's memory.
const PAGE: usize = 64 * 1024;
/// Bytes by which it grows: asking the host for each page costs more than the calculation of an account.
const STEP: usize = 4 * PAGE;
/// The smallest place: it holds the address of the next free one.
const SMALLEST: usize = 16;
/// Lists of free places: each twice as large as the one before, the last of 16 MiB, the host's limit.
const LISTS: usize = 21;

/// Gives places whose sizes are powers of two.
struct Places(UnsafeCell<State>);

struct State {
    /// The first free place of each size; 0 for none.
    free: [usize; LISTS],
    /// Where the memory that was never given begins; 0 before the first place.
    next: usize,
}

// SAFETY: a component has one thread.
unsafe impl Sync for Places {}

#[global_allocator]
static PLACES: Places = Places(UnsafeCell::new(State { free: [0; LISTS], next: 0 }));

/// The list that a place of at least `bytes` comes from.
fn list(bytes: usize) -> usize {
    let places = bytes.max(SMALLEST).next_power_of_two();
    (places.trailing_zeros() - SMALLEST.trailing_zeros()) as usize
}

impl State {
    fn take(&mut self, list: usize) -> *mut u8 {
        let size = SMALLEST << list;
        if self.next == 0 {
            self.next = memory_size(0) * PAGE;
        }
        let (place, end) = (self.next, memory_size(0) * PAGE);
        let Some(next) = place.checked_add(size) else { return null_mut() };
        if next > end && memory_grow(0, (next - end).div_ceil(STEP) * STEP / PAGE) == usize::MAX {
            return null_mut();
        }
        self.next = next;
        place as *mut u8
    }
}

// SAFETY: a place is given to one caller at a time, is as large as its list says, and begins at a multiple of
// 16 bytes, because all sizes are; who asks for more gets nothing.
unsafe impl GlobalAlloc for Places {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let list = list(layout.size());
        if list >= LISTS || layout.align() > SMALLEST {
            return null_mut();
        }
        // SAFETY: one thread, and nothing here calls the allocator.
        let state = unsafe { &mut *self.0.get() };
        let place = state.free[list];
        if place == 0 {
            return state.take(list);
        }
        // SAFETY: a free place holds the address of the next one.
        state.free[list] = unsafe { *(place as *const usize) };
        place as *mut u8
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        let list = list(layout.size());
        // SAFETY: as in `alloc`; the place is nobody's any more.
        unsafe {
            let state = &mut *self.0.get();
            *place.cast::<usize>() = state.free[list];
            state.free[list] = place as usize;
        }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if list(size) == list(layout.size()) {
            return place;
        }
        // SAFETY: the caller keeps `GlobalAlloc::realloc`'s promises.
        unsafe {
            let wider = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !wider.is_null() {
                core::ptr::copy_nonoverlapping(place, wider, size.min(layout.size()));
                self.dealloc(place, layout);
            }
            wider
        }
    }
}
