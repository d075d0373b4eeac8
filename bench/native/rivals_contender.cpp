// The main program of a contender: rival_<name> THREADS, driven by rivals.cpp through its pipes.
//
// It prints the library's version, then answers each line of input with one of output and stops
// itself (SIGSTOP) until the next: idle threads that still spin would otherwise steal time from
// whoever is measured next.
//
//     check layer|training 0 NAME          ->  "values v1 v2 ..."    or "none"
//     time layer|training SECONDS NAME     ->  "rate RUNS_A_SECOND"  or "none"
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <sstream>

#include "native/rivals.hpp"
#include "native/timing.hpp"

namespace {

using namespace shallowcore::bench;

// The problem at hand; making its data takes longer than many a measurement.
class Problem {
 public:
  explicit Problem(int threads) : threads_(threads) {}

  // A fresh task: a training starts from its first weights each time.
  std::unique_ptr<Task> task(const std::string& kind, const std::string& name, bool check) {
    const std::string key = kind + name + (check ? "?" : "");
    if (key != key_) load(kind, name, check);
    key_ = key;
    return layer_ ? layer_task(*layer_, threads_) : training_task(*training_, threads_);
  }
  int check_runs() const { return layer_ ? 1 : training_->check_epochs; }

 private:
  void load(const std::string& kind, const std::string& name, bool check) {
    layer_.reset();
    training_.reset();
    if (kind == "training") {
      training_ = make_training(name, check);
      return;
    }
    for (const Shape& shape : all_shapes()) {
      if (shape.name == name) layer_ = make_layer(shape);
    }
  }

  int threads_;
  std::string key_;
  std::optional<Layer> layer_;
  std::optional<Training> training_;
};

std::string check(Problem& problem, Task& task) {
  task.run(problem.check_runs());
  const std::vector<float> values = task.values();
  std::string text = "values";
  for (const auto i : reported(static_cast<shallowcore::Index>(values.size()))) {
    char number[40];
    std::snprintf(number, sizeof number, " %.9g", double(values[static_cast<std::size_t>(i)]));
    text += number;
  }
  return text;
}

std::string time(Task& task, double seconds) {
  task.run(1);
  const double runs = rate(seconds, [&](int times) {
    task.run(times);
    return times;
  });
  return "rate " + std::to_string(runs);
}

// A line "command kind seconds name": the name comes last, it may hold spaces.
std::string answer(Problem& problem, const std::string& line) {
  std::istringstream words(line);
  std::string command, kind, name;
  double seconds = 0;
  words >> command >> kind >> seconds >> std::ws;
  std::getline(words, name);
  const auto task = problem.task(kind, name, command == "check");
  if (!task) return "none";
  return command == "check" ? check(problem, *task) : time(*task, seconds);
}

void reply(const std::string& text) {
  std::cout << text << std::endl;
  raise(SIGSTOP);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || std::atoi(argv[1]) < 1) {
    std::fprintf(stderr, "usage: %s THREADS (a helper of rivals)\n", argv[0]);
    return 2;
  }
  try {
    Problem problem(std::atoi(argv[1]));
    reply(contender_version());
    for (std::string line; std::getline(std::cin, line);) reply(answer(problem, line));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
  return 0;
}
