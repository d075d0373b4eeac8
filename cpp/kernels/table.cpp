#include "kernels/table.hpp"

#include <cstdlib>
#include <string>

#include "core/cpu.hpp"
#include "core/errors.hpp"
#include "kernels/registry.hpp"

namespace shallowcore {

#if defined(SHALLOWCORE_HAVE_BASELINE)
namespace baseline {
extern const InstructionSet instruction_set;
}
#endif
#if defined(SHALLOWCORE_HAVE_AVX2)
namespace avx2 {
extern const InstructionSet instruction_set;
}
#endif
#if defined(SHALLOWCORE_HAVE_AVX512)
namespace avx512 {
extern const InstructionSet instruction_set;
}
#endif
#if defined(SHALLOWCORE_HAVE_NEON)
namespace neon {
extern const InstructionSet instruction_set;
}
#endif

namespace {

std::vector<const InstructionSet*> compiled_in() {
  return {
#if defined(SHALLOWCORE_HAVE_BASELINE)
      &baseline::instruction_set,
#endif
#if defined(SHALLOWCORE_HAVE_NEON)
      &neon::instruction_set,
#endif
#if defined(SHALLOWCORE_HAVE_AVX2)
      &avx2::instruction_set,
#endif
#if defined(SHALLOWCORE_HAVE_AVX512)
      &avx512::instruction_set,
#endif
  };
}

bool runs_here(const std::string& name) {
  if (name == "avx2") return cpu_has_avx2();
  if (name == "avx512") return cpu_has_avx512();
  return true;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

const InstructionSet& choose() {
  const char* forced = std::getenv("SHALLOWCORE_FORCE_ISA");
  const std::string wanted = forced == nullptr ? "" : forced;
  const InstructionSet* best = nullptr;
  for (const InstructionSet* set : compiled_in()) {
    if (runs_here(set->name) && (wanted.empty() || wanted == set->name)) best = set;
  }
  if (best == nullptr) {
    throw InvalidState(
        "SHALLOWCORE_FORCE_ISA: got " + wanted +
        ", expected one that this machine runs: " + listed(supported_instruction_sets()));
  }
  return *best;
}

const InstructionSet& chosen() {
  static const InstructionSet& set = choose();
  return set;
}

}  // namespace

std::vector<std::string> compiled_instruction_sets() {
  std::vector<std::string> names;
  for (const InstructionSet* set : compiled_in()) names.emplace_back(set->name);
  return names;
}

std::vector<std::string> supported_instruction_sets() {
  std::vector<std::string> names;
  for (const std::string& name : compiled_instruction_sets()) {
    if (runs_here(name)) names.push_back(name);
  }
  return names;
}

template <>
const KernelTable<float>& kernels<float>() {
  return *chosen().f32;
}

template <>
const KernelTable<double>& kernels<double>() {
  return *chosen().f64;
}

}  // namespace shallowcore
