// The core beside OpenBLAS, Eigen, oneDNN and FANN: layers and whole trainings, without Python.
//
//     rivals [rounds [text]]       only problems whose name contains the text
//
// float32.  Every contender is a process of its own for each number of threads, and stopped unless it
// is the one being measured: no library's waiting threads meet another's.  First each result is
// compared with plain loops in float64, trainings from the same weights; then times are taken in
// interleaved rounds, and medians printed.  Exit status 1 if a result is wrong, 2 for a debug build.
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "core/threads.hpp"
#include "native/rivals.hpp"
#include "native/rivals_process.hpp"
#include "native/rivals_reference.hpp"
#include "native/timing.hpp"

namespace {

using namespace shallowcore::bench;
using shallowcore::Index;

constexpr int kDefaultRounds = 5;
constexpr double kLayerSeconds = 5e-3, kTrainingSeconds = 5e-2;  // of a sample
// Of the loss, and of the weights relative to how far training moved the one that moved most.
constexpr double kLossTolerance = 3e-6, kWeightTolerance = 2e-4;
constexpr double kNever = std::numeric_limits<double>::infinity();
const std::string kPeak = "peak", kOurs = "shallowcore";

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> found;
  for (std::string word; stream >> word;) found.push_back(word);
  return found;
}

// --- contenders and problems ----------------------------------------------------------------------

struct Contender {
  std::string name;
  int threads;
  std::unique_ptr<Process> process;
};

struct Problem {
  std::string name;
  const Shape* layer;           // null for a training
  double flops;                 // of a product, of a step
  double steps;                 // in one run of a task
  std::vector<double> seconds;  // a product or step, for each contender; kNever where it cannot

  // What its processes are asked; see rivals_contender.cpp.
  std::string request(const char* command) const {
    const double sample = layer != nullptr ? kLayerSeconds : kTrainingSeconds;
    return std::string(command) + (layer != nullptr ? " layer " : " training ") +
           std::to_string(sample) + " " + name;
  }
};

std::vector<Contender> start_contenders(const std::filesystem::path& folder, int all_threads) {
  std::vector<Contender> contenders;
  for (const std::string& name : words(SHALLOWCORE_RIVALS)) {
    const std::string program = (folder / ("rival_" + name)).string();
    contenders.push_back({name, 1, std::make_unique<Process>(program, 1)});
    std::printf("%-12s %s\n", name.c_str(), contenders.back().process->version().c_str());
    if (all_threads == 1) continue;
    contenders.push_back({name, all_threads, std::make_unique<Process>(program, all_threads)});
  }
  for (const std::string& name : words(SHALLOWCORE_RIVALS_MISSING)) {
    std::printf("%-12s missing: not found when the benchmark was configured\n", name.c_str());
  }
  return contenders;
}

std::vector<Problem> find_problems(const std::vector<Shape>& shapes, const std::string& text) {
  std::vector<Problem> problems;
  for (const Shape& shape : shapes) problems.push_back({shape.name, &shape, shape.flops(), 1, {}});
  for (const std::string& name : training_names()) {
    const Training training = make_training(name, false);
    problems.push_back(
        {name, nullptr, training.flops(), static_cast<double>(training.steps()), {}});
  }
  std::erase_if(problems, [&](const Problem& p) { return p.name.find(text) == std::string::npos; });
  return problems;
}

// --- results first --------------------------------------------------------------------------------

// Numbers after the first word; none where the contender cannot.
std::vector<double> numbers(const std::string& answer) {
  std::vector<double> found;
  for (const std::string& word : words(answer)) found.push_back(std::strtod(word.c_str(), nullptr));
  if (!found.empty()) found.erase(found.begin());
  return found;
}

// What is wrong with a product; empty if nothing.
std::string complaint(const Layer& layer, const std::vector<double>& values) {
  const auto places = reported(layer.shape.m * layer.shape.n);
  if (values.size() != places.size()) return "another number of elements";
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Expected expected = expected_element(layer, places[i]);
    if (!(std::abs(values[i] - expected.value) <= expected.tolerance)) {
      return "element " + std::to_string(places[i]) + " is " + std::to_string(values[i]) +
             ", should be " + std::to_string(expected.value);
    }
  }
  return "";
}

// The same of a training: loss, then weights.
std::string complaint(const Training& training, const std::vector<double>& reference,
                      const std::vector<double>& values) {
  const auto places = reported(static_cast<Index>(reference.size()));
  if (values.size() != places.size()) return "another number of weights";
  double error = 0, moved = 0;
  for (std::size_t i = 1; i < places.size(); ++i) {
    const auto place = static_cast<std::size_t>(places[i]);
    const double start = static_cast<double>(training.weights[place - 1]);
    error = std::max(error, std::abs(values[i] - reference[place]));
    moved = std::max(moved, std::abs(reference[place] - start));
  }
  const double loss_error = std::abs(values[0] / reference[0] - 1);
  if (!(loss_error <= kLossTolerance)) {
    return "loss " + std::to_string(values[0]) + ", should be " + std::to_string(reference[0]);
  }
  if (!(error <= kWeightTolerance * moved)) {
    return "a weight is off by " + std::to_string(error) + ", the largest move being " +
           std::to_string(moved);
  }
  return "";
}

// Compares what every contender finds; returns the number of wrong results.
int check(const Problem& problem, std::vector<Contender>& contenders) {
  Layer layer;
  Training training = {};
  std::vector<double> references[2];
  if (problem.layer != nullptr) {
    layer = make_layer(*problem.layer);
  } else {
    training = make_training(problem.name, true);
    references[0] = reference_training(training, Objective::cross_entropy);
    if (training.binary()) references[1] = reference_training(training, Objective::fann);
  }
  int wrong = 0;
  for (Contender& contender : contenders) {
    if (contender.name == kPeak) continue;
    const std::string answer = contender.process->ask(problem.request("check"));
    if (answer == "none") continue;
    const std::string found =
        problem.layer != nullptr
            ? complaint(layer, numbers(answer))
            : complaint(training, references[contender.name == "fann"], numbers(answer));
    if (found.empty()) continue;
    ++wrong;
    std::printf("WRONG  %s, %s on %d threads: %s\n", problem.name.c_str(), contender.name.c_str(),
                contender.threads, found.c_str());
  }
  return wrong;
}

// --- then times -----------------------------------------------------------------------------------

void measure(Problem& problem, std::vector<Contender>& contenders, int rounds) {
  std::vector<std::vector<double>> seconds(contenders.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const auto found = numbers(contenders[i].process->ask(problem.request("time")));
      seconds[i].push_back(found.empty() ? kNever : 1 / (found[0] * problem.steps));
    }
  }
  for (const auto& samples : seconds) problem.seconds.push_back(median(samples));
}

// --- the tables -----------------------------------------------------------------------------------

class Tables {
 public:
  Tables(const std::vector<Contender>& contenders, const std::vector<Problem>& problems)
      : contenders_(contenders), problems_(problems) {}

  void print(int threads) const {
    for (const bool layers : {true, false}) print(threads, layers);
    std::printf("\nbehind a rival with %d thread%s, worst first:\n", threads,
                threads == 1 ? "" : "s");
    std::vector<const Problem*> behind;
    for (const Problem& problem : problems_) {
      if (ratio(problem, threads) < 1) behind.push_back(&problem);
    }
    std::sort(behind.begin(), behind.end(), [&](const Problem* a, const Problem* b) {
      return ratio(*a, threads) < ratio(*b, threads);
    });
    for (const Problem* problem : behind) {
      std::printf("  %-24s %5.2f  %s\n", problem->name.c_str(), ratio(*problem, threads),
                  best_rival(*problem, threads)->name.c_str());
    }
    if (behind.empty()) std::printf("  none\n");
  }

 private:
  // One row a problem: layers in GFLOP/s, trainings in microseconds a step.
  void print(int threads, bool layers) const {
    std::printf("\n%-24s %7s %6s", layers ? "layer, GFLOP/s" : "training, us a step",
                layers ? "peak" : "", "% peak");
    for (const Contender& c : contenders_) {
      if (c.threads == threads && c.name != kPeak) std::printf(" %11s", c.name.c_str());
    }
    std::printf("  ratio  best rival      (%d thread%s)\n", threads, threads == 1 ? "" : "s");
    for (const Problem& problem : problems_) {
      if ((problem.layer != nullptr) == layers) print_row(problem, threads);
    }
  }

  void print_row(const Problem& problem, int threads) const {
    const double peak = seconds(problem, kPeak, threads), ours = seconds(problem, kOurs, threads);
    std::printf("%-24s", problem.name.c_str());
    problem.layer != nullptr ? std::printf(" %7.1f", problem.flops / peak / 1e9)
                             : std::printf(" %7s", "");
    std::printf(" %5.0f%%", 100 * peak / ours);
    for (std::size_t i = 0; i < contenders_.size(); ++i) {
      if (contenders_[i].threads != threads || contenders_[i].name == kPeak) continue;
      const double found = problem.seconds[i];
      if (found == kNever) {
        std::printf(" %11s", "-");
      } else if (problem.layer != nullptr) {
        std::printf(" %11.2f", problem.flops / found / 1e9);
      } else {
        std::printf(" %11.2f", found * 1e6);
      }
    }
    const Contender* rival = best_rival(problem, threads);
    if (rival == nullptr) {
      std::printf("\n");
    } else {
      std::printf(" %6.2f  %s, %d\n", ratio(problem, threads), rival->name.c_str(), rival->threads);
    }
  }

  double seconds(const Problem& problem, const std::string& name, int threads) const {
    for (std::size_t i = 0; i < contenders_.size(); ++i) {
      if (contenders_[i].name == name && contenders_[i].threads == threads)
        return problem.seconds[i];
    }
    return kNever;
  }

  // The fastest with so many threads or with one: its user would choose.
  const Contender* best_rival(const Problem& problem, int threads) const {
    const Contender* best = nullptr;
    double least = kNever;
    for (std::size_t i = 0; i < contenders_.size(); ++i) {
      const Contender& c = contenders_[i];
      const bool is_rival = c.name != kOurs && c.name != kPeak && c.threads <= threads;
      if (!is_rival || problem.seconds[i] >= least) continue;
      least = problem.seconds[i];
      best = &c;
    }
    return best;
  }

  // Time of the best rival over ours.
  double ratio(const Problem& problem, int threads) const {
    const Contender* rival = best_rival(problem, threads);
    if (rival == nullptr) return kNever;
    return seconds(problem, rival->name, rival->threads) / seconds(problem, kOurs, threads);
  }

  const std::vector<Contender>& contenders_;
  const std::vector<Problem>& problems_;
};

int compare(const std::filesystem::path& folder, int rounds, const std::string& text) {
  const int all_threads = shallowcore::available_cpus();
  std::vector<Contender> contenders = start_contenders(folder, all_threads);
  const std::vector<Shape> shapes = all_shapes();
  std::vector<Problem> problems = find_problems(shapes, text);
  if (problems.empty()) throw std::runtime_error("no problem's name contains '" + text + "'");
  int wrong = 0;
  for (const Problem& problem : problems) wrong += check(problem, contenders);
  if (wrong > 0) return 1;
  std::printf("%zu problems, all results right; %d rounds\n", problems.size(), rounds);
  std::fflush(stdout);
  for (Problem& problem : problems) measure(problem, contenders, rounds);
  const Tables tables(contenders, problems);
  tables.print(1);
  if (all_threads > 1) tables.print(all_threads);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(stderr, "rivals: built for debugging, its times say nothing\n");
  return 2;
#endif
  signal(SIGPIPE, SIG_IGN);  // a contender that died is an error to report
  try {
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : kDefaultRounds;
    return compare(std::filesystem::absolute(argv[0]).parent_path(), rounds,
                   argc > 2 ? argv[2] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rivals: %s\n", error.what());
    return 1;
  }
}
