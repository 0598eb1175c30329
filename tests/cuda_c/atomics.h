// What threads that don't wait for others do to memory all have: as fibres they are never interrupted.

template <class T> inline T atomicCAS(T *p, T old, T value) {
  const T found = *p;
  if (found == old) *p = value;
  return found;
}
template <class T> inline T atomicExch(T *p, T value) {
  const T found = *p;
  *p = value;
  return found;
}
template <class T> inline T atomicAdd(T *p, T value) {
  const T found = *p;
  __builtin_add_overflow(found, value, p);
  return found;
}
template <class T> inline T atomicMin(T *p, T value) {
  const T found = *p;
  if (value < found) *p = value;
  return found;
}
template <class T> inline T atomicMax(T *p, T value) {
  const T found = *p;
  if (found < value) *p = value;
  return found;
}
inline void __threadfence() {}
