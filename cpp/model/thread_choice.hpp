// The whole team or one thread for the steps of a training: whichever has been faster.
//
// What another core is worth is not in the shapes alone: it may be busy with another job, or far away
// from the first one's caches.  So steps are timed.  A choice is kept for a while, then the other one is
// tried on a few steps, and the faster of the two is kept next.  Results have the same bits for any
// number of threads: nothing but the clock sees this.
#pragma once

#include <algorithm>

namespace shallowcore {

class ThreadChoice {
 public:
  explicit ThreadChoice(int most) : most_(most) {}

  bool is_open() const { return most_ > 1; }
  // Threads for the next step.
  int threads() const { return alone_ ? 1 : most_; }

  // A step took so long with them.
  void took(double seconds) {
    if (++steps_ == 1) return;  // threads wake up, data moves to other caches
    seconds_ += seconds;
    if (steps_ < kFewestSteps || seconds_ < (trying_ ? kTried : keep_)) return;
    const double pace = seconds_ / (steps_ - 1);
    if (trying_) {
      const double next_try = std::max(seconds_, kFewestSteps * pace_of_other_);
      keep_ =
          std::max(std::clamp(kKept * next_try, kLeastKept, kMostKept), kKeptAtLeast * next_try);
      if (pace > pace_of_other_) alone_ = !alone_;
    } else {
      pace_of_other_ = pace;
      alone_ = !alone_;
    }
    trying_ = !trying_;
    steps_ = 0;
    seconds_ = 0;
  }

 private:
  static constexpr int kFewestSteps = 3;
  static constexpr double kTried = 2e-4, kLeastKept = 5e-3, kMostKept = 1;  // seconds
  // Seconds that a choice is kept for one of trying the other: an interruption of the try should not
  // count for long, but long steps need their time.
  static constexpr double kKept = 100, kKeptAtLeast = 40;

  int most_;
  bool alone_ = false;
  bool trying_ = false;
  int steps_ = 0;             // of this period
  double seconds_ = 0;        // of all of them but the first
  double keep_ = kLeastKept;  // seconds until the other one is tried
  double pace_of_other_ = 0;  // while trying: seconds a step of what was kept
};

}  // namespace shallowcore
