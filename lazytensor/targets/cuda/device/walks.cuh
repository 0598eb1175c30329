// Walks over states, step by step: of each state a step comes from itself, from the one before it, or from the
// one before that. Single and double are computed in their own type, half precision in single, and rounded at
// the end.

namespace lt {

LT_FN f32 lowest(f32) { return bits_as<f32>(0xff7fffffu); }
LT_FN f64 lowest(f64) { return bits_as<f64>(0xffefffffffffffffull); }

// What a state comes to of the last step of those before it: x has an element of each of COUNT arrays.
template <class A> struct LogWalk {
  static constexpr int COUNT = 2;
  static LT_FN A next(const A (&x)[2], const A *last, i64 state) {
    const A none = least<A>(), own = last[0];
    const A first = state > 0 ? last[-1] : none, second = state > 1 ? last[-2] + x[1] : none;
    const A top = max_(max_(max_(own, first), second), lowest(A()));
    return log_(exp_(own - top) + exp_(first - top) + exp_(second - top)) + top + x[0];
  }
};
template <class A> struct BandWalk {
  static constexpr int COUNT = 4;
  static LT_FN A next(const A (&x)[4], const A *last, i64 state) {
    A sum = x[0] + x[1] * last[0];
    if (state > 0) sum = sum + x[2] * last[-1];
    if (state > 1) sum = sum + x[3] * last[-2];
    return sum;
  }
};

// A block for each example, its threads for its states; the last step and this one are in shared memory, or,
// where they are more than that holds, in memory of their own. Elements of a thread's first state are read a step
// ahead. Words: to, COUNT arrays, memory; steps, examples, states, whether it is that memory; of each array, the
// first one the result, the bytes between steps, between examples, between states.
template <template <class> class F, class T> LT_FN void walk(const i64 *w, char *memory) {
  typedef typename Summed<T>::type A;
  constexpr int M = F<A>::COUNT;
  const i64 steps = w[M + 2], states = w[M + 4], example = blockIdx.x, *const strides = w + M + 6;
  A *const rows = reinterpret_cast<A *>(w[M + 5] ? pointer(w[M + 1]) : memory) + (w[M + 5] ? example * 2 * states : 0);
  const char *from[M];
#pragma unroll
  for (int m = 0; m < M; ++m) from[m] = pointer(w[m + 1]) + example * strides[3 * m + 4];
  char *const to = pointer(w[0]) + example * strides[1];
  const auto read = [&](A (&x)[M], i64 step, i64 state) {
#pragma unroll
    for (int m = 0; m < M; ++m)
      x[m] = Scan<T>::of(load<T>(from[m] + step * strides[3 * m + 3] + state * strides[3 * m + 5]), 0);
  };
  A x[M];
  if (threadIdx.x < states) read(x, 0, threadIdx.x);
  for (i64 step = 0; step < steps; ++step) {
    A *const now = rows + (step & 1) * states;
    const A *const last = rows + (~step & 1) * states;
    for (i64 state = threadIdx.x; state < states; state += blockDim.x) {
      if (state != threadIdx.x) read(x, step, state);
      const A y = step ? F<A>::next(x, last + state, state) : x[0];
      now[state] = y;
      store<T>(to + step * strides[0] + state * strides[2], Scan<T>::result(y));
    }
    if (threadIdx.x < states && step + 1 < steps) read(x, step + 1, threadIdx.x);
    __syncthreads();
  }
}

}  // namespace lt
