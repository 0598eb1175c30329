// Places given by indices, which are checked, and what is moved between such places and rows.

namespace lt {

// Only one thread at a time says what it found: its place is locked until it has. `first` is how many
// places are not behind this one; it is what is left in the first word by who has the least. A status
// begins with the address of whose turn it is, if it has words for several; else with 0.
LT_FN void report(i64 status, i64 first, i64 found) {
  u64 *const words = reinterpret_cast<u64 *>(status);
  const u64 *const turn = reinterpret_cast<const u64 *>(words[0]);
  u64 *const word = words + 2 + (turn ? 2 * *turn : 0);
  volatile u64 *const seen = word;
  const u64 locked = ~u64(0);
  for (;;) {
    const u64 old = seen[0];
    if (old == locked) continue;
    if (old && old <= u64(first)) return;
    if (atomicCAS(word, old, locked) != old) continue;
    seen[1] = u64(found);
    __threadfence();
    atomicExch(word, u64(first));
    return;
  }
}

// It is the next one's turn. Words: where it says whose; how many there are.
LT_FN void move_on(const i64 *w) {
  if (thread_number()) return;
  u64 *const turn = reinterpret_cast<u64 *>(w[0]);
  *turn = (*turn + 1) % u64(w[1]);
}

// What indices of one row come to: `sum` of places times `step`s, unless one was out of bounds.
struct Search {
  i64 sum;
  bool fine;
};
// Words: where the index array is; how long the axis is, and what a place on it counts; the array's
// strides along R axes. `first` numbers the index from 1 on. Its axis's first row has it reported.
template <class I, int R>
LT_FN void find(Search &s, const i64 (&at)[R], i64 array, const i64 *axis, const i64 *strides,
                i64 status, i64 first, bool reports) {
  const I index = load<I>(pointer(array) + offset(at, strides));
  const i64 n = axis[0];
  const bool counts_back = kind<I> == 'i' && index < I(0);
  const i64 place = counts_back ? i64(u64(i64(index)) + u64(n)) : i64(index);
  if (place < 0 || place >= n) {
    if (reports) report(status, first, i64(index));
    s.fine = false;
  } else {
    s.sum += place * axis[1];
  }
}

// A thread of rows times pieces of rows: which row it has, and which V neighbours of which of the row's
// lines of n.
template <class N, int V> struct Piece {
  i64 row, line, first;
  bool there, begins;
  // Words: rows, pieces of each, pieces of a line.
  LT_FN explicit Piece(const i64 *w) {
    const i64 t = thread_number();
    there = t < w[0] * w[1];
    row = there ? i64(N(t) / N(w[1])) : 0;
    const i64 piece = t - row * w[1];
    begins = piece == 0;
    line = there ? i64(N(piece) / N(w[2])) : 0;
    first = (piece - line * w[2]) * V;
  }
};
// Move a piece. Words: n, bytes between neighbours of both; sizes of the lines' C axes, strides of both.
template <int BYTES, int V, int C, class N>
LT_FN void move_piece(const Piece<N, V> &piece, char *to, const char *from, const i64 *w) {
  if (piece.first >= w[0]) return;
  const i64 *const sizes = w + 3;
  i64 at[C];
  split<C, N>(at, piece.line, sizes);
  to += offset(at, sizes + C) + piece.first * w[1];
  from += offset(at, sizes + 2 * C) + piece.first * w[2];
  if constexpr (V > 1) move_near<BYTES, V>(to, from, w[0] - piece.first);
  else move<BYTES>(to, from);
}

}  // namespace lt
