#include "nn/workspace.h"

#include <algorithm>

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

/// Where everything of a workspace lies. Layer l runs forward at time l and backward at 2 L - l.
struct Plan {
  std::vector<Room> outputs, gradients, states, works;  ///< of the image, then of each layer
  Room spare, scratch;
  Index total = 0;

  Plan(const Network& network, Kept kept) {
    const Index layers = network.layers(), end = 2 * layers + 1;
    const bool trains = kept == Kept::gradients;
    std::vector<Index> last_reader(static_cast<std::size_t>(layers + 1), layers);
    std::vector<bool> is_read(last_reader.size(), false);
    Index most_shared = 0, scratch_numbers = 0;
    for (Index l = 0; l < layers; ++l) {
      scratch_numbers = std::max(scratch_numbers, network.structure(l).scratch);
      for (const Index from : network.inputs(l)) {
        const auto i = static_cast<std::size_t>(from + 1);
        if (is_read[i]) most_shared = std::max(most_shared, network.shape(from).features());
        is_read[i] = true;
        last_reader[i] = l;
      }
    }
    for (Index l = Network::kImage; l < layers; ++l) {
      const Index read = last_reader[static_cast<std::size_t>(l + 1)];
      const Index numbers = network.shape(l).features() * kLanes;
      const bool is_layer = l != Network::kImage;
      outputs.push_back({numbers, l, kept == Kept::live ? read : end});
      gradients.push_back({trains && is_layer ? numbers : 0,
                           read == layers ? layers : 2 * layers - read, 2 * layers - l});
      states.push_back({is_layer ? network.structure(l).state : 0, Network::kImage, end});
      works.push_back({trains && is_layer ? network.structure(l).work : 0, Network::kImage, end});
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
