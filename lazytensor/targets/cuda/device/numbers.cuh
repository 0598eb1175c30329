// 0, 1, 2 …: words are where to, how many, and bytes between neighbours.

namespace lt {

template <class T> LT_FN void numbers(const i64 *w) {
  const i64 i = thread_number();
  if (i < w[1]) store<T>(pointer(w[0]) + i * w[2], cast_<T>(i));
}

}  // namespace lt
