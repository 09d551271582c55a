#include "lab/experiment/described_data.h"

namespace ohmic::lab {

nn::Data load_data_of(const Experiment& e) {
  try {
    return nn::load_data(e.data, e.folder);
  } catch (const ConfigError& error) {
    fail_key(e, error.parts().key, error.parts().message);
  }
}

}  // namespace ohmic::lab
