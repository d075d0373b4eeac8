#include "core/rng.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace shallowcore {
namespace {

// High half of a 64 x 64 bit product, in 32-bit halves so that every compiler has it.
std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a_low = a & 0xffffffffu, a_high = a >> 32;
  const std::uint64_t b_low = b & 0xffffffffu, b_high = b >> 32;
  const std::uint64_t low = a_low * b_low;
  const std::uint64_t middle = a_high * b_low + (low >> 32);
  const std::uint64_t cross = a_low * b_high + (middle & 0xffffffffu);
  return a_high * b_high + (middle >> 32) + (cross >> 32);
}

// Successive 64-bit draws of one stream.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint32_t epoch, Stream stream)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        epoch_(epoch),
        stream_(static_cast<std::uint32_t>(stream)) {}

  std::uint64_t next() {
    if (left_ == 0) {
      words_ = philox4x32({static_cast<std::uint32_t>(block_),
                           static_cast<std::uint32_t>(block_ >> 32), epoch_, stream_},
                          key_);
      ++block_;
      left_ = 2;
    }
    const std::size_t first = left_ == 2 ? 0 : 2;
    --left_;
    return words_[first] | static_cast<std::uint64_t>(words_[first + 1]) << 32;
  }

 private:
  PhiloxKey key_;
  std::uint32_t epoch_;
  std::uint32_t stream_;
  std::uint64_t block_ = 0;
  PhiloxCounter words_{};
  int left_ = 0;
};

// Fisher-Yates from the top.
void permute(std::int64_t* order, Index n, Draws& draws) {
  for (Index i = n - 1; i > 0; --i) {
    const auto j = multiply_high(draws.next(), static_cast<std::uint64_t>(i) + 1);
    std::swap(order[i], order[j]);
  }
}

}  // namespace

PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
  constexpr std::uint64_t multiplier_0 = 0xd2511f53u, multiplier_1 = 0xcd9e8d57u;
  constexpr std::uint32_t weyl_0 = 0x9e3779b9u, weyl_1 = 0xbb67ae85u;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product_0 = multiplier_0 * counter[0];
    const std::uint64_t product_1 = multiplier_1 * counter[2];
    counter = {static_cast<std::uint32_t>(product_1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product_1),
               static_cast<std::uint32_t>(product_0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product_0)};
    key[0] += weyl_0;
    key[1] += weyl_1;
  }
  return counter;
}

void shuffle(std::int64_t* order, Index n, std::uint64_t seed, std::uint32_t epoch) {
  for (Index i = 0; i < n; ++i) order[i] = i;
  Draws draws(seed, epoch, Stream::shuffle);
  permute(order, n, draws);
}

void shuffle_blocks(std::int64_t* order, Index n, Index block, std::uint64_t seed,
                    std::uint32_t epoch) {
  Draws draws(seed, epoch, Stream::shuffle);
  std::vector<std::int64_t> blocks(static_cast<std::size_t>((n + block - 1) / block));
  std::iota(blocks.begin(), blocks.end(), std::int64_t{0});
  permute(blocks.data(), static_cast<Index>(blocks.size()), draws);
  for (const std::int64_t at : blocks) {
    const Index first = static_cast<Index>(at) * block, count = std::min(block, n - first);
    std::iota(order, order + count, static_cast<std::int64_t>(first));
    permute(order, count, draws);
    order += count;
  }
}

}  // namespace shallowcore
