// What is written to places, by several rows to one place too. Records are sorted by place, and for each
// place by row, so that a place's rows are found one after another, in their order.

namespace lt {

// Words: records, which are of the rows; a place out of bounds is behind all others.
template <class K> LT_FN void note_place(i64 records, i64 row, const Search &s) {
  reinterpret_cast<K *>(pointer(records))[row] = K::of(s.fine ? u64(s.sum) : K::last().rank(), row);
}

// The same of rows that are taken: where each begins is kept too. It is added where both places are there.
template <class K>
LT_FN void note_taken(i64 records, i64 begins, i64 row, const Search &from, const Search &to) {
  reinterpret_cast<i64 *>(pointer(begins))[row] = from.sum;
  note_place<K>(records, row, Search{to.sum, from.fine && to.fine});
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

// How what is at a place goes on with a row's element, and what holds it meanwhile.
struct Plus {
  template <class T> using held = typename Summed<T>::type;
  template <class A> static LT_FN A step(A x, A y) { return add_(x, y); }
};
struct Times {
  template <class T> using held = typename Summed<T>::type;
  template <class A> static LT_FN A step(A x, A y) { return mul_(x, y); }
};
struct Greater {
  template <class T> using held = T;
  template <class A> static LT_FN A step(A x, A y) { return max_(x, y); }
};
struct Smaller {
  template <class T> using held = T;
  template <class A> static LT_FN A step(A x, A y) { return min_(x, y); }
};

// Rows as they lie: an address, and Q axes.
template <int Q> struct Lying {
  const i64 *w, *axes;
  LT_FN const char *at(i64 row) const { return place_at<Q>(w[0], u64(row), axes); }
  template <class A> LT_FN A times(A x, i64) const { return x; }
};
// Rows that are taken from where they begin behind an address, each times a weight. Words: that address,
// where beginnings and weights are; the weights have Q axes.
template <class T, int Q> struct Weighted {
  const i64 *w, *axes;
  LT_FN const char *at(i64 row) const {
    return pointer(w[0]) + reinterpret_cast<const i64 *>(pointer(w[1]))[row];
  }
  template <class A> LT_FN A times(A x, i64 row) const {
    return mul_(x, A(widened(load<T>(place_at<Q>(w[2], u64(row), axes)))));
  }
};

// Up to V neighbours: at once where all are there and begin at a place for that.
template <class T, int V> LT_FN bool at_once(const char *p, i64 left) {
  return V > 1 && left >= V && !(reinterpret_cast<u64>(p) & (V * sizeof(memory<T>) - 1));
}
template <class A, class T, int V> LT_FN void load_near(A (&x)[V], const char *p, i64 left) {
  T y[V] = {};
  if (at_once<T, V>(p, left)) load_wide<T, V>(y, p, 0, V);
  else
#pragma unroll
    for (int k = 0; k < V; ++k)
      if (k < left) y[k] = load<T>(p + k * sizeof(memory<T>));
#pragma unroll
  for (int k = 0; k < V; ++k) x[k] = cast_<A>(y[k]);
}
template <class A, class T, int V> LT_FN void store_near(char *p, const A (&x)[V], i64 left) {
  T y[V];
#pragma unroll
  for (int k = 0; k < V; ++k) y[k] = cast_<T>(x[k]);
  if (at_once<T, V>(p, left)) store_wide<T, V>(p, 0, V, y);
  else
#pragma unroll
    for (int k = 0; k < V; ++k)
      if (k < left) store<T>(p + k * sizeof(memory<T>), y[k]);
}

// Rows that are on their way at once.
constexpr int AHEAD = 4;

// What is at each place combined with its rows, one after another. Words: to; records; then, behind what is
// known of rows, pieces as `Piece` has them; how many places there are; columns as `move_piece` has them;
// R axes of places.
template <class F, class T, class K, int V, int C, int R, class N, class Rows>
LT_FN void put_all(const i64 *w, const i64 *own, const i64 *axes, const Rows &rows) {
  typedef typename F::template held<T> A;
  const Piece<N, V> piece(own);
  const i64 left = own[4] - piece.first;
  if (!piece.there || left <= 0) return;
  const K *const all = reinterpret_cast<const K *>(pointer(w[1]));
  const u64 rank = all[piece.row].rank();
  if (rank >= u64(own[3]) || (piece.row && all[piece.row - 1].rank() == rank)) return;
  const i64 *const sizes = own + 7;
  i64 at[C];
  split<C, N>(at, piece.line, sizes);
  char *const to = place_at<R>(w[0], rank, axes) + offset(at, sizes + C) + piece.first * own[5];
  const i64 column = offset(at, sizes + 2 * C) + piece.first * own[6];
  A x[V], next[AHEAD][V];
  load_near<A, T, V>(x, to, left);
  bool same[AHEAD];
  for (i64 k = piece.row; ; k += AHEAD) {
#pragma unroll
    for (int i = 0; i < AHEAD; ++i) {
      const K record = all[k + i < own[0] ? k + i : own[0] - 1];
      same[i] = k + i < own[0] && record.rank() == rank;
      if (!same[i]) continue;
      load_near<A, T, V>(next[i], rows.at(record.place()) + column, left);
#pragma unroll
      for (int v = 0; v < V; ++v) next[i][v] = rows.times(next[i][v], record.place());
    }
#pragma unroll
    for (int i = 0; i < AHEAD; ++i)
#pragma unroll
      for (int v = 0; v < V; ++v)
        if (same[i]) x[v] = F::step(x[v], next[i][v]);
    if (!same[AHEAD - 1]) break;
  }
  store_near<A, T, V>(to, x, left);
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
