// What is written to places, by several rows to one place too. Records are sorted by place, and for each
// place by row, so that a place's rows are found one after another, in their order.

namespace lt {

// Words: records, which are of the rows; a place out of bounds is behind all others.
template <class K> LT_FN void note_place(i64 records, i64 row, const Search &s) {
  reinterpret_cast<K *>(pointer(records))[row] = K::of(s.fine ? u64(s.sum) : K::last().rank(), row);
}

// Where a place lies: sizes of R axes, strides.
template <int R> LT_FN char *place_at(i64 to, u64 rank, const i64 *sizes) {
  i64 at[R];
  split<R, u64>(at, i64(rank), sizes);
  return pointer(to) + offset(at, sizes + R);
}

// The last row of each place moved there. Words: to, rows, records; pieces as `Piece` has them; how many
// places there are; columns as `move_piece` has them; then R axes of places, and Q of rows.
template <class K, int BYTES, int V, int C, int R, int Q, class N>
LT_FN void put_last(const i64 *w, const i64 *axes) {
  const Piece<N, V> piece(w + 3);
  if (!piece.there) return;
  const K *const all = reinterpret_cast<const K *>(pointer(w[2]));
  const u64 rank = all[piece.row].rank();
  if (rank >= u64(w[6]) || (piece.row + 1 < w[3] && all[piece.row + 1].rank() == rank)) return;
  const char *const from = place_at<Q>(w[1], u64(all[piece.row].place()), axes + 2 * R);
  move_piece<BYTES, V, C>(piece, place_at<R>(w[0], rank, axes), from, w + 7);
}

// Where only the last row of a place is asked for, and places aren't many: the number of that row, from 1
// on, is kept for each place, and for each row its place, or -1.
LT_FN void note_latest(i64 places, i64 latest, i64 row, const Search &s) {
  reinterpret_cast<i64 *>(pointer(places))[row] = s.fine ? s.sum : -1;
  if (s.fine) atomicMax(reinterpret_cast<i64 *>(pointer(latest)) + s.sum, row + 1);
}
// Words: to, rows, places, latest; pieces as `Piece` has them; columns as `move_piece` has them; then R axes
// of places, and Q of rows.
template <int BYTES, int V, int C, int R, int Q, class N>
LT_FN void put_latest(const i64 *w, const i64 *axes) {
  const Piece<N, V> piece(w + 4);
  if (!piece.there) return;
  const i64 place = reinterpret_cast<const i64 *>(pointer(w[2]))[piece.row];
  if (place < 0 || reinterpret_cast<const i64 *>(pointer(w[3]))[place] != piece.row + 1) return;
  const char *const from = place_at<Q>(w[1], u64(piece.row), axes + 2 * R);
  move_piece<BYTES, V, C>(piece, place_at<R>(w[0], u64(place), axes), from, w + 7);
}

struct Plus { template <class T> static LT_FN T step(T x, T y) { return add_(x, y); } };
struct Times { template <class T> static LT_FN T step(T x, T y) { return mul_(x, y); } };
struct Greater { template <class T> static LT_FN T step(T x, T y) { return max_(x, y); } };
struct Smaller { template <class T> static LT_FN T step(T x, T y) { return min_(x, y); } };

// Rows that are on their way at once.
constexpr int AHEAD = 4;

// What is at each place combined with its rows, one after another; words as above.
template <class F, class T, class K, int C, int R, int Q, class N>
LT_FN void put_all(const i64 *w, const i64 *axes) {
  const Piece<N, 1> piece(w + 3);
  if (!piece.there || piece.first >= w[7]) return;
  const K *const all = reinterpret_cast<const K *>(pointer(w[2]));
  const u64 rank = all[piece.row].rank();
  if (rank >= u64(w[6]) || (piece.row && all[piece.row - 1].rank() == rank)) return;
  const i64 *const sizes = w + 10;
  i64 at[C];
  split<C, N>(at, piece.line, sizes);
  char *const to = place_at<R>(w[0], rank, axes) + offset(at, sizes + C) + piece.first * w[8];
  const i64 column = offset(at, sizes + 2 * C) + piece.first * w[9];
  T x = load<T>(to), next[AHEAD];
  bool same[AHEAD];
  for (i64 k = piece.row; ; k += AHEAD) {
#pragma unroll
    for (int i = 0; i < AHEAD; ++i) {
      const K record = all[k + i < w[3] ? k + i : w[3] - 1];
      same[i] = k + i < w[3] && record.rank() == rank;
      next[i] = load<T>(place_at<Q>(w[1], u64(record.place()), axes + 2 * R) + column);
    }
#pragma unroll
    for (int i = 0; i < AHEAD; ++i)
      if (same[i]) x = F::step(x, next[i]);
    if (!same[AHEAD - 1]) break;
  }
  store<T>(to, x);
}

// Integers, whose order doesn't matter.
#define LT_AT_ONCE(NAME, CALL)                                                                     \
  struct NAME##AtOnce {                                                                            \
    static LT_FN void step(char *p, i32 x) { CALL(reinterpret_cast<i32 *>(p), x); }                \
    static LT_FN void step(char *p, u32 x) { CALL(reinterpret_cast<u32 *>(p), x); }                \
    static LT_FN void step(char *p, i64 x) { CALL(reinterpret_cast<LT_LONG *>(p), LT_LONG(x)); }   \
    static LT_FN void step(char *p, u64 x) { CALL(reinterpret_cast<u64 *>(p), x); }                \
  };
#define LT_LONG i64
LT_AT_ONCE(Greater, atomicMax)
LT_AT_ONCE(Smaller, atomicMin)
#undef LT_LONG
#define LT_LONG u64
LT_AT_ONCE(Plus, atomicAdd)
#undef LT_LONG
#undef LT_AT_ONCE

// Words: n, bytes between neighbours of both; sizes of the lines' C axes, strides of both.
template <class F, class T, int C, class N>
LT_FN void put_at_once(const Piece<N, 1> &piece, char *to, const char *from, const i64 *w) {
  if (piece.first >= w[0]) return;
  const i64 *const sizes = w + 3;
  i64 at[C];
  split<C, N>(at, piece.line, sizes);
  F::step(to + offset(at, sizes + C) + piece.first * w[1],
          load<T>(from + offset(at, sizes + 2 * C) + piece.first * w[2]));
}

}  // namespace lt
