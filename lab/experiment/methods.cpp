#include "lab/experiment/methods.h"

#include <algorithm>

#include "base/error.h"

namespace ohmic::lab {
namespace {

constexpr double kMostSigma = 3;

void sigma_field(FieldVisitor& f, std::string_view idle, double& sigma) {
  f.field({.key = "sigma",
           .meaning = "log-normal variation that the method prepares for",
           .unit = "natural log",
           .low = 0,
           .high = kMostSigma,
           .idle = idle},
          sigma);
}

std::string_view idle_with_device(bool from_device) {
  return from_device ? "variation is \"device\"" : "";
}

void device_field(FieldVisitor& f, bool& from_device) {
  std::string variation = from_device ? "device" : "lognormal";
  f.field(
      {.key = "variation",
       .meaning = "what is drawn while training: log-normal of sigma, or the cells that will be "
                  "deployed (device, levels, mapping, scales, tiles, faults, overrides; no "
                  "converters, no read noise)",
       .one_of = {"lognormal", "device"}},
      variation);
  from_device = variation == "device";
}

}  // namespace

void fields(FieldVisitor& f, PenaltyOptions& p) {
  sigma_field(f, p.penalty.lambda ? "lambda is given" : "", p.sigma);
  fields(f, p.penalty);
}

void fields(FieldVisitor& f, InjectionOptions& p) {
  const std::string_view idle = idle_with_device(p.from_device);
  sigma_field(f, idle, p.sigma);
  f.field(
      {.key = "sigma_low",
       .meaning = "0 or more: every sub-batch draws its sigma between this and sigma; -1: sigma",
       .unit = "natural log",
       .low = -1,
       .high = kMostSigma,
       .idle = idle},
      p.sigma_low);
  device_field(f, p.from_device);
}

void fields(FieldVisitor& f, CompensationOptions& p) {
  sigma_field(f, idle_with_device(p.from_device), p.sigma);
  const std::string_view placed = p.placement.empty() ? "" : "placement is given";
  f.field({.key = "layers", .meaning = "layers that get a compensator", .idle = placed}, p.layers);
  f.field({.key = "ratios",
           .meaning = "generated maps over output maps, one per layer",
           .low = 0,
           .high = 16,
           .idle = placed},
          p.ratios);
  f.field({.key = "placement",
           .meaning = "results of `ohmic search` to take layers and ratios from",
           .is_file = true},
          p.placement);
  f.field({.key = "generator",
           .meaning = "activation of the generated maps",
           .one_of = {"relu", "identity"}},
          p.style.generator);
  f.field({.key = "residual", .meaning = "add to the layer's output instead of mixing it"},
          p.style.is_residual);
  f.field({.key = "epochs", .meaning = "epochs of compensator training", .low = 1, .high = 10000},
          p.epochs);
  f.field({.key = "batch", .meaning = "images a step", .low = 1, .high = 16384}, p.batch);
  f.field({.key = "learning_rate", .meaning = "Adam's, cosine to 0", .low = 0, .low_open = true},
          p.learning_rate);
  f.field({.key = "matching",
           .meaning = "weight of the squared distance from the clean features",
           .low = 0},
          p.matching);
  f.field({.key = "home",
           .meaning = "where compensators compute",
           .read_by = {"run", "compare", "search", "sweep"}},
          p.home, {"digital", "quantised", "rram"});
  f.field({.key = "bits",
           .meaning = "of quantised compensator weights",
           .low = 2,
           .high = 16,
           .idle = p.home == CompensatorHome::quantised ? "" : "home is not \"quantised\"",
           .read_by = {"run", "compare", "search", "sweep"}},
          p.bits);
  f.field({.key = "overhead_limit",
           .meaning = "most compensator weights over the network's",
           .unit = "fraction",
           .low = 0,
           .high = 10,
           .low_open = true,
           .read_by = {"search"}},  // elsewhere it only refuses
          p.overhead_limit);
  device_field(f, p.from_device);
}

void fields(FieldVisitor& f, SamOptions& p) {
  f.field({.key = "radius",
           .meaning = "relative step to the worst point nearby (Kwon et al. 2021 use .5 to 2)",
           .low = 0,
           .low_open = true},
          p.radius);
}

void fields(FieldVisitor& f, DistillationOptions& p) {
  f.field({.key = "temperature", .meaning = "of the softened outputs", .low = 0, .low_open = true},
          p.temperature);
  f.field({.key = "weight",
           .meaning = "share of the teacher (the plain network of the same seed) in the loss",
           .unit = "fraction",
           .low = 0,
           .high = 1},
          p.weight);
}

void fields(FieldVisitor& f, CalibrationOptions& p) {
  f.field({.key = "images",
           .meaning = "unlabelled training images that every chip reads",
           .low = 2,
           .high = 1e6},
          p.images);
  f.field({.key = "strength",
           .meaning = "ridge, times trace over rows of the Gram matrix",
           .low = 0,
           .low_open = true},
          p.strength);
  f.field({.key = "reads_input", .meaning = "ridge: mix in the layer's input"}, p.reads_input);
}

void fields(FieldVisitor& f, WriteVerifyOptions& p) {
  f.field({.key = "share",
           .meaning = "weights that are verified (both devices of a pair)",
           .unit = "fraction",
           .low = 0,
           .high = 1},
          p.share);
  f.field({.key = "score",
           .meaning = "which: Fisher information times w^2 (SWIM, arXiv:2202.08395), |w|, or any",
           .one_of = {"fisher", "magnitude", "random"}},
          p.score);
  f.field({.key = "residual_sigma",
           .meaning = "log-normal variation that verification leaves",
           .unit = "natural log",
           .low = 0,
           .high = kMostSigma},
          p.residual_sigma);
  f.field({.key = "images",
           .meaning = "training images for the Fisher information",
           .low = 1,
           .high = 1e6,
           .idle = p.score == "fisher" ? "" : "score is not \"fisher\""},
          p.images);
}

void fields(FieldVisitor& f, CopiesOptions& p) {
  f.field({.key = "copies", .meaning = "programmed copies of every matrix", .low = 1, .high = 16},
          p.copies);
  f.field({.key = "best",
           .meaning = "copies that are averaged for an output, the nearest to target; 0: all",
           .low = 0,
           .high = 16},
          p.best);
}

namespace {

/// Calls body(name, options, the flag of MethodSet) for every method that has options.
template <class Options, class Body>
void for_each_method(Options& o, Body body) {
  body("penalty", o.penalty, &MethodSet::penalty);
  body("injection", o.injection, &MethodSet::injection);
  body("compensation", o.compensation, &MethodSet::compensation);
  body("sam", o.sam, &MethodSet::sam);
  body("distillation", o.distillation, &MethodSet::distillation);
  body("affine", o.affine, &MethodSet::affine);
  body("ridge", o.ridge, &MethodSet::ridge);
  body("bn_reestimation", o.bn_reestimation, &MethodSet::bn_reestimation);
  body("write_verify", o.write_verify, &MethodSet::write_verify);
  body("copies", o.copies, &MethodSet::copies);
}

/// Where the first of `keys` stands in one of the tables.
Origin origin_of(const ConfigNode& methods, std::initializer_list<std::string_view> tables,
                 std::initializer_list<std::string_view> keys) {
  for (const std::string_view name : tables)
    for (const std::string_view key : keys)
      if (const ConfigNode* table = methods.find(name))
        if (const ConfigNode* value = table->find(key)) return value->origin;
  return methods.origin;
}

}  // namespace

const std::vector<std::string>& method_names() {
  static const std::vector<std::string> names{
      "plain",  "penalty",         "compensation", "correctnet", "mean_correction",
      "sam",    "distillation",    "injection",    "affine",     "ridge",
      "copies", "bn_reestimation", "write_verify"};
  return names;
}

MethodOptions read_methods(const ConfigNode& methods) {
  MethodOptions options;
  if (!methods.is_table())
    fail_at(methods.origin, "methods is " + std::string(methods.kind()) + ", expected tables");
  for (const auto& [name, table] : methods.table()) {
    bool found = name == "plain" || name == "mean_correction";
    if (found) {
      NoOptions none;
      read_fields(table, "methods." + name, none);
    }
    // CorrectNet is penalty + compensation; its own table holds the latter's options.
    for_each_method(options, [&, &name = name, &table = table](const std::string& method, auto& own,
                                                               bool MethodSet::*) {
      if (method != name && !(method == "compensation" && name == "correctnet")) return;
      read_fields(table, "methods." + name, own);
      found = true;
    });
    if (found) continue;
    const std::string near = nearest(name, method_names());
    fail_at(table.origin, "unknown method methods." + name +
                              (near.empty() ? "" : " (did you mean '" + near + "'?)"));
  }
  if (options.copies.best > options.copies.copies)
    fail_at(origin_of(methods, {"copies"}, {"best", "copies"}),
            "methods.copies.best = " + std::to_string(options.copies.best) +
                " is more than methods.copies.copies = " + std::to_string(options.copies.copies));
  try {
    placements_of(options.compensation);
  } catch (const ConfigError& error) {
    fail_at(origin_of(methods, {"correctnet", "compensation"}, {"ratios", "layers"}), error.what());
  }
  return options;
}

ConfigNode write_methods(const MethodOptions& options, const std::vector<std::string>& names) {
  ConfigNode table;
  for_each_method(options, [&](const std::string& method, const auto& own, bool MethodSet::*flag) {
    const bool is_used = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return parse_method(name).*flag;
    });
    if (is_used) table.put(method, write_fields(own));
  });
  return table;
}

void find_method_notes(const MethodOptions& options, const std::string& method,
                       const std::string& name, const ConfigNode& table, const ConfigNode& used,
                       std::vector<KeyNote>& notes) {
  if (!used.find(method)) return;
  for_each_method(options, [&](const std::string& other, const auto& own, bool MethodSet::*) {
    if (other == method) find_key_notes(table, "methods." + name, own, notes);
  });
}

MethodSet parse_method(const std::string& name) {
  MethodSet set;
  set.name = name;
  const std::vector<std::pair<std::string, std::vector<bool MethodSet::*>>> parts{
      {"plain", {}},
      {"penalty", {&MethodSet::penalty}},
      {"compensation", {&MethodSet::compensation}},
      {"correctnet", {&MethodSet::penalty, &MethodSet::compensation}},
      {"injection", {&MethodSet::injection}},
      {"sam", {&MethodSet::sam}},
      {"distillation", {&MethodSet::distillation}},
      {"mean_correction", {&MethodSet::mean_correction}},
      {"bn_reestimation", {&MethodSet::bn_reestimation}},
      {"affine", {&MethodSet::affine}},
      {"ridge", {&MethodSet::ridge}},
      {"write_verify", {&MethodSet::write_verify}},
      {"copies", {&MethodSet::copies}}};
  std::string rest = name + "+";
  while (!rest.empty()) {
    const std::string part = rest.substr(0, rest.find('+'));
    rest.erase(0, part.size() + 1);
    const auto found =
        std::find_if(parts.begin(), parts.end(), [&](const auto& p) { return p.first == part; });
    if (found == parts.end()) {
      const std::string near = nearest(part, method_names());
      std::string known;
      for (const std::string& one : method_names()) known += (known.empty() ? "" : ", ") + one;
      throw ConfigError(
          "method \"" + name + "\": there is no method '" + part + "'" +
          (near.empty() ? "; there are " + known : " (did you mean '" + near + "'?)"));
    }
    for (const auto member : found->second) {
      if (set.*member) throw ConfigError("method \"" + name + "\" has '" + part + "' twice");
      set.*member = true;
    }
  }
  if (set.affine && set.ridge)
    throw ConfigError("method \"" + name + "\": affine and ridge exclude each other");
  return set;
}

std::vector<std::string> trained_parts(const MethodSet& m) {
  std::vector<std::string> parts;
  const auto add = [&](bool is_on, const char* part) {
    if (is_on) parts.emplace_back(part);
  };
  add(m.penalty, "penalty");
  add(m.injection, "injection");
  add(m.sam, "sam");
  add(m.distillation, "distillation");
  add(m.compensation, "compensation");
  return parts;
}

std::vector<std::pair<std::string, std::vector<FieldManual>>> method_manual() {
  std::vector<std::pair<std::string, std::vector<FieldManual>>> all;
  const MethodOptions defaults;
  for_each_method(defaults, [&](const std::string& name, const auto& own, bool MethodSet::*) {
    all.emplace_back(name, describe_fields(own));
  });
  return all;
}

std::vector<nn::Placement> placements_of(const CompensationOptions& o) {
  if (o.layers.size() != o.ratios.size())
    throw ConfigError("methods.compensation.layers names " + std::to_string(o.layers.size()) +
                      " layers, methods.compensation.ratios has " +
                      std::to_string(o.ratios.size()) + " numbers");
  std::vector<nn::Placement> placements;
  for (std::size_t i = 0; i < o.layers.size(); ++i)
    placements.push_back({o.layers[i], o.ratios[i]});
  return placements;
}

}  // namespace ohmic::lab
