#include "nn/workspace.h"

#include <algorithm>
#include <numeric>

namespace ohmic::nn {
namespace {

/// Numbers that are needed from one point of time to another, both included.
struct Room {
  Index numbers = 0, from = 0, until = 0;
  Index offset = 0;
};

/// Gives rooms their places, in order, each at the lowest offset where it meets no earlier one at
/// the same time. Returns the numbers of all.
Index place(std::vector<Room>& rooms) {
  Index total = 0;
  std::vector<const Room*> placed;  // by offset
  for (Room& room : rooms) {
    room.numbers = (room.numbers + kLanes - 1) / kLanes * kLanes;
    room.offset = 0;
    for (const Room* other : placed) {
      if (other->until < room.from || room.until < other->from) continue;
      if (room.offset + room.numbers <= other->offset) break;
      room.offset = std::max(room.offset, other->offset + other->numbers);
    }
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), &room,
                         [](const Room* a, const Room* b) { return a->offset < b->offset; }),
        &room);
    total = std::max(total, room.offset + room.numbers);
  }
  return total;
}

/// Where everything of a workspace lies. Layer l runs forward at time l and backward at 2 L - l,
/// with all layers of its run.
struct Plan {
  std::vector<Room> outputs, gradients, states, works;  ///< of the image, then of each layer
  Room spare, scratch;
  Index total = 0;

  Plan(const Network& network, Kept kept) {
    const Index layers = network.layers(), end = 2 * layers + 1;
    const bool trains = kept == Kept::gradients;
    std::vector<Index> last_reader(static_cast<std::size_t>(layers + 1), layers);
    std::vector<Index> readers(last_reader.size(), 0);
    Index most_shared = 0, scratch_numbers = 0;
    for (Index l = 0; l < layers; ++l) {
      const LayerStructure& s = network.structure(l);
      scratch_numbers = std::max(scratch_numbers, trains ? s.scratch : s.prepared);
      for (const Index from : network.inputs(l)) {
        const auto i = static_cast<std::size_t>(from + 1);
        if (readers[i] > 0) most_shared = std::max(most_shared, network.shape(from).features());
        ++readers[i];
        last_reader[i] = l;
      }
    }
    for (Index l = Network::kImage; l < layers; ++l) {
      const auto run = [&](Index of) {
        return of >= 0 && of < layers ? network.run_of(of) : Network::Run{of, of};
      };
      const Index read = last_reader[static_cast<std::size_t>(l + 1)];
      const Index numbers = network.shape(l).features() * kLanes;
      const bool is_layer = l != Network::kImage;
      outputs.push_back({numbers, run(l).first, kept == Kept::live ? run(read).last : end});
      gradients.push_back({trains && is_layer ? numbers : 0,
                           read == layers ? layers : 2 * layers - run(read).last,
                           2 * layers - run(l).first});
      states.push_back({is_layer ? network.structure(l).state : 0, Network::kImage, end});
      works.push_back({trains && is_layer ? network.structure(l).work : 0, Network::kImage, end});
    }
    // Where an input has no later reader, a layer may write over it, and backward over its own
    // gradient: their rooms become one.
    const auto identity = [&] {
      std::vector<std::size_t> same(outputs.size());
      std::iota(same.begin(), same.end(), std::size_t{0});
      return same;
    };
    std::vector<std::size_t> same_output = identity(), same_gradient = identity();
    const auto join = [](std::vector<Room>& rooms, std::vector<std::size_t>& same, std::size_t own,
                         std::size_t other) {
      Room& kept_room = rooms[same[other]];
      kept_room.from = std::min(kept_room.from, rooms[own].from);
      kept_room.until = std::max(kept_room.until, rooms[own].until);
      rooms[own].numbers = 0;
      same[own] = same[other];
    };
    for (Index l = 0; l < layers; ++l) {
      const LayerStructure& s = network.structure(l);
      const auto own = static_cast<std::size_t>(l + 1);
      for (const Index from : network.inputs(l)) {
        const auto other = static_cast<std::size_t>(from + 1);
        if (!s.works_in_place || same_output[own] != own || last_reader[other] != l) continue;
        const bool is_free =
            kept == Kept::live ||
            (trains && !s.reads_input_backward && from != Network::kImage && readers[other] == 1 &&
             !network.structure(from).reads_output_backward);
        if (is_free) join(outputs, same_output, own, other);
      }
    }
    for (Index l = layers - 1; l >= 0 && trains; --l) {
      const auto own = static_cast<std::size_t>(l + 1);
      bool is_taken = false;  // by an input's gradient
      for (const Index from : network.inputs(l)) {
        const auto other = static_cast<std::size_t>(from + 1);
        if (!network.structure(l).works_in_place || is_taken || from == Network::kImage ||
            last_reader[other] != l || same_gradient[other] != other)
          continue;
        join(gradients, same_gradient, other, own);
        is_taken = true;
      }
    }
    spare = {trains ? most_shared * kLanes : 0, Network::kImage, end};
    scratch = {scratch_numbers, Network::kImage, end};
    std::vector<Room> all;
    // What lives long first, so that it leaves no gaps.
    for (const std::vector<Room>* group : {&states, &works, &outputs, &gradients})
      all.insert(all.end(), group->begin(), group->end());
    all.push_back(spare);
    all.push_back(scratch);
    total = place(all);
    auto at = all.begin();
    for (std::vector<Room>* group : {&states, &works, &outputs, &gradients})
      for (Room& room : *group) room = *at++;
    spare = *at++;
    scratch = *at;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      outputs[i] = outputs[same_output[i]];
      gradients[i] = gradients[same_gradient[i]];
    }
  }
};

}  // namespace

template <class T>
Workspace<T>::Workspace(const Network& network, Kept kept)
    : kept_(kept), slots_(static_cast<std::size_t>(network.layers() + 1)) {
  const Plan plan(network, kept);
  arena_.resize(static_cast<std::size_t>(plan.total));
  const auto at = [&](const Room& room) {
    return room.numbers > 0 ? arena_.data() + room.offset : nullptr;
  };
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    slots_[i].features = network.shape(static_cast<Index>(i) - 1).features();
    slots_[i].output = at(plan.outputs[i]);
    slots_[i].gradient = at(plan.gradients[i]);
    slots_[i].state = at(plan.states[i]);
    slots_[i].work = at(plan.works[i]);
  }
  spare_ = at(plan.spare);
  scratch_ = at(plan.scratch);
  for (Index l = 0; l < network.layers(); ++l)
    for (const Index from : network.inputs(l))
      slots_[static_cast<std::size_t>(l + 1)].inputs.push_back(
          slots_[static_cast<std::size_t>(from + 1)].output);
}

template <class T>
Index Workspace<T>::bytes(const Network& network, Kept kept) {
  return Plan(network, kept).total * static_cast<Index>(sizeof(T));
}

template class Workspace<float>;
template class Workspace<double>;

}  // namespace ohmic::nn
