#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace ohmic::nn {

/// Things that are costly to make, lent to one thread at a time and used again: as many exist as
/// were needed at once.
template <class W>
class Pool {
 public:
  explicit Pool(std::function<std::unique_ptr<W>()> make) : make_(std::move(make)) {}

  /// A thing that goes back into the pool at the end of its life; the pool must outlive it.
  auto borrow() {
    const auto give_back = [this](W* w) {
      const std::lock_guard hold(lock_);
      free_.emplace_back(w);
    };
    return std::unique_ptr<W, decltype(give_back)>(take().release(), give_back);
  }

 private:
  std::unique_ptr<W> take() {
    {
      const std::lock_guard hold(lock_);
      if (!free_.empty()) {
        std::unique_ptr<W> w = std::move(free_.back());
        free_.pop_back();
        return w;
      }
    }
    return make_();
  }
  std::function<std::unique_ptr<W>()> make_;
  std::mutex lock_;
  std::vector<std::unique_ptr<W>> free_;
};

}  // namespace ohmic::nn
