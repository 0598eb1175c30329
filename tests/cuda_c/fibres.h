// CUDA C on a processor: the threads of a block are fibres, of which one goes on until it waits for
// others. Each kernel becomes a function that takes its words, a grid and an order; what it returns is 0,
// or says what the kernel did wrong.

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#define LT_HOST 1
#define LT_FN inline
#define LT_CALLED static
#define LT_GIVEN const
#define LT_ROOM(NAME) char *const NAME = fibres::room
#define LT_KERNEL(NAME, THREADS, BLOCKS)                                                                   \
  static void NAME##_thread(const NAME##_words);                                                   \
  extern "C" int NAME(const long long *words, const unsigned *shape, int backwards) {             \
    NAME##_words a;                                                                                \
    memcpy(&a, words, sizeof(a));                                                                  \
    return fibres::grid([](const void *p) { NAME##_thread(*(const NAME##_words *)p); }, &a, shape, \
                        THREADS, backwards);                                                       \
  }                                                                                                \
  static void NAME##_thread

struct Three { unsigned x, y, z; };
static Three threadIdx, blockIdx, blockDim, gridDim;

namespace fibres {

enum State { READY, AT_BARRIER, AT_WARP, DONE };
enum Wrong { FINE, TOO_MANY_THREADS, DIVERGENT_BARRIER, DIVERGENT_WARP };
constexpr int MOST = 1024;
// Stacks don't begin at multiples of a power of two, so that they don't share lines of the caches.
constexpr size_t STACK = 16384 + 13 * 64, ROOM = 1 << 16;

static char *room, *room_end, *stacks;
static State state[MOST];
static Three place[MOST];
static unsigned slots[2][MOST], turn[MOST];
static int current, count;
static void (*thread)(const void *);
static const void *argument;

#if defined(__x86_64__)
static void *main_stack, *stack_of[MOST];
extern "C" __attribute__((naked, noinline)) inline void fibre_switch(void **, void *) {
  asm volatile(
      "pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
      "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
      "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret\n");
}
static void leave() { fibre_switch(&stack_of[current], main_stack); }
static void enter() { fibre_switch(&main_stack, stack_of[current]); }
#else
static ucontext_t main_context, context_of[MOST];
static void leave() { swapcontext(&context_of[current], &main_context); }
static void enter() { swapcontext(&main_context, &context_of[current]); }
#endif

static void begin() {
  thread(argument);
  state[current] = DONE;
  leave();
}

static void prepare(int i) {
  char *low = stacks + i * STACK;
#if defined(__x86_64__)
  void **top = reinterpret_cast<void **>(low + STACK) - 2;
  *top = reinterpret_cast<void *>(begin);
  stack_of[i] = top - 6;
#else
  getcontext(&context_of[i]);
  context_of[i].uc_stack.ss_sp = low;
  context_of[i].uc_stack.ss_size = STACK;
  makecontext(&context_of[i], begin, 0);
#endif
  state[i] = READY;
  turn[i] = 0;
}

static void memory() {
  if (stacks) return;
  const size_t page = sysconf(_SC_PAGESIZE);
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  stacks = static_cast<char *>(mmap(0, MOST * STACK, PROT_READ | PROT_WRITE, flags, -1, 0));
  char *low = static_cast<char *>(mmap(0, ROOM + page, PROT_READ | PROT_WRITE, flags, -1, 0));
  mprotect(low + ROOM, page, PROT_NONE);
  room_end = low + ROOM;
}

// Let waiting threads go on where all that they wait for have come.
static int release() {
  int ended = 0, waiting = 0, moved = 0;
  for (int i = 0; i < count; ++i) ended += state[i] == DONE, waiting += state[i] == AT_BARRIER;
  if (ended == count) return FINE;
  if (waiting == count) {
    for (int i = 0; i < count; ++i) state[i] = READY;
    return FINE;
  }
  for (int first = 0; first < count; first += 32) {
    int at = 0;
    for (int i = first; i < first + 32 && i < count; ++i) at += state[i] == AT_WARP;
    if (at != 32) continue;
    moved = 1;
    for (int i = first; i < first + 32; ++i) state[i] = READY;
  }
  return moved ? FINE : waiting ? DIVERGENT_BARRIER : DIVERGENT_WARP;
}

// Threads that wait for nobody run one after another.
static int apart(int backwards) {
  for (int k = 0; k < count; ++k) {
    current = backwards ? count - 1 - k : k;
    threadIdx = place[current];
    thread(argument);
  }
  return FINE;
}

static int block(int backwards) {
  for (int i = 0; i < count; ++i) prepare(i);
  for (;;) {
    bool all = true;
    for (int k = 0; k < count; ++k) {
      current = backwards ? count - 1 - k : k;
      if (state[current] != READY) continue;
      all = false;
      threadIdx = place[current];
      enter();
    }
    if (all) return FINE;
    if (int wrong = release()) return wrong;
  }
}

// `shape` is: blocks, threads along three axes, bytes of shared memory, whether threads wait for others,
// blocks along the grid's second axis.
static int grid(void (*f)(const void *), const void *a, const unsigned *shape, int most,
                int backwards) {
  memory();
  blockDim = Three{shape[1], shape[2], shape[3]};
  gridDim = Three{shape[0], shape[6], 1};
  count = shape[1] * shape[2] * shape[3];
  if (count > most || count > MOST) return TOO_MANY_THREADS;
  thread = f;
  argument = a;
  room = room_end - (shape[4] + 15) / 16 * 16;
  for (int i = 0; i < count; ++i)
    place[i] = Three{i % shape[1], i / shape[1] % shape[2], i / shape[1] / shape[2]};
  const unsigned blocks = shape[0] * shape[6];
  for (unsigned b = 0; b < blocks; ++b) {
    const unsigned which = backwards ? blocks - 1 - b : b;
    blockIdx = Three{which % shape[0], which / shape[0], 0};
    memset(room, 0xff, room_end - room);
    if (int wrong = (shape[5] ? block : apart)(backwards)) return wrong;
  }
  return FINE;
}

static void wait(State s) {
  state[current] = s;
  leave();
}

}  // namespace fibres

inline void __syncthreads() { fibres::wait(fibres::AT_BARRIER); }
inline unsigned __shfl_sync(unsigned, unsigned value, int lane) {
  using namespace fibres;
  unsigned *const mine = slots[turn[current]++ & 1];
  mine[current] = value;
  wait(AT_WARP);
  return mine[(current & ~31) + (lane & 31)];
}

namespace lt {
inline unsigned short half_bits(float x) {
  const _Float16 h = x;
  unsigned short b;
  memcpy(&b, &h, 2);
  return b;
}
inline unsigned short half_bits(double x) {
  const _Float16 h = x;
  unsigned short b;
  memcpy(&b, &h, 2);
  return b;
}
inline float half_value(unsigned short b) {
  _Float16 h;
  memcpy(&h, &b, 2);
  return h;
}
}  // namespace lt
