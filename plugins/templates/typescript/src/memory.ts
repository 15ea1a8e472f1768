// The memory that objects and the values of the ABI live in, in place of the language's own allocator
// (see asconfig.json): that one takes three times the instructions of a whole call, and doubles the
// memory, so that it could not use all it may have. A call is short: free blocks are kept for the next
// of their size and never joined. The collector stays the language's own.

/** A block begins with its size; what it holds lies at a multiple of 16. */
const HEADER: usize = 4;
const ALIGN: usize = 16;
/** The memory grows by multiples of this: a limit is a whole number of MiB. */
const STEP: usize = 262144;

/** Sizes of their own: 16, 32, … 4080 bytes with the header. Larger ones are powers of two. */
const SMALL: usize = 256;

// A pointer for each size, SMALL and 32 more: to a free block, which has a pointer to the next one.
const kept = memory.data(1152, 4);
/** The rest of the memory, where no block has been; 0 before the first block. */
let unused: usize = 0;
let end: usize = 0;

/** Bytes of a block that holds so many. */
function rounded(size: usize): usize {
  const units = (size + HEADER + ALIGN - 1) / ALIGN;
  return units < SMALL ? units * ALIGN : <usize>1 << (32 - clz(units * ALIGN - 1));
}

function placeOf(whole: usize): usize {
  return kept + ((whole < SMALL * ALIGN ? whole / ALIGN : SMALL + ctz(whole)) << 2);
}

export function alloc(size: usize): usize {
  if (size > 1 << 30) unreachable();
  const whole = rounded(size);
  const place = placeOf(whole);
  const again = load<usize>(place);
  if (again != 0) {
    store<usize>(place, load<usize>(again));
    return again;
  }
  // Objects are made before the initial values of this file are there, so it needs none.
  if (unused == 0) unused = ((__heap_base + HEADER + ALIGN - 1) & ~(ALIGN - 1)) - HEADER;
  const block = unused;
  if (block + whole > end) grow(block + whole);
  unused = block + whole;
  // The collector reads the size without the header, and two bits of its own.
  store<usize>(block, whole - HEADER);
  return block + HEADER;
}

export function realloc(at: usize, size: usize): usize {
  const had = load<usize>(at - HEADER);
  if (size <= had) return at;
  const moved = alloc(size);
  memory.copy(moved, at, had);
  free(at);
  return moved;
}

export function free(at: usize): void {
  const place = placeOf(load<usize>(at - HEADER) + HEADER);
  store<usize>(at, load<usize>(place));
  store<usize>(place, at);
}

/** The end of all blocks there have been: it moves on where no free block serves. */
export function reached(): usize {
  return unused;
}

/** Makes the memory reach to `to`. */
function grow(to: usize): void {
  end = <usize>memory.size() << 16;
  if (to <= end) return;
  const pages = <i32>(((to - end + STEP - 1) & ~(STEP - 1)) >>> 16);
  if (memory.grow(pages) < 0) unreachable();
  end = <usize>memory.size() << 16;
}
