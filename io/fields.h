#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "io/config.h"

/// One list of fields per parameter struct: reading, checking, the echo into the results file and
/// the reference page all come from it.
///
///   struct AdcParams { std::optional<std::int64_t> bits = 8; double percentile = 0.999; };
///   inline void fields(FieldVisitor& f, AdcParams& p) {
///     f.field({.key = "bits", .meaning = "...", .low = 1, .high = 16, .word = "ideal"}, p.bits);
///     f.field({.key = "percentile", .meaning = "...", .low = 0, .high = 1}, p.percentile);
///   }
namespace ohmic {

/// What is known of one key. Numbers are checked against [low, high]; an open end is excluded.
struct Field {
  std::string_view key;
  std::string_view meaning;    ///< one line, with the source of a default where it has one
  std::string_view unit = "";  ///< as a user writes it: "uS", "s", "fraction"
  double scale = 1.0;          ///< SI value of one unit: the member holds SI
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;
  std::string_view word =
      "";  ///< of an optional number: the word that stands for "none" ("ideal", "continuous")
  std::vector<std::string_view> one_of = {};  ///< of a string: the choices; empty = any
  std::string (*choice_of)(const std::string&) =
      nullptr;  ///< of a string: the choice that another spelling stands for
  bool affects_results =
      true;              ///< false for threads, output, and the like: echoed under /provenance only
  bool is_file = false;  ///< of a string: names an input file, which counts by its contents
  bool when_read = false;      ///< of hardware: acts on reads of cells, not on what they hold
  bool came_later = false;     ///< its default is what programs did that had no such key: digests
                               ///< leave it out there
  std::string_view idle = "";  ///< why the key has no effect beside the others' values; "": it acts
  double doubtful = std::numeric_limits<double>::infinity();  ///< user's value beyond which it is
                                                              ///< told as per cent of...
  std::string_view fraction_of = "";           ///< ... what the value is a fraction of
  std::vector<std::string_view> read_by = {};  ///< commands on whose results it acts; empty: all
                                               ///< that read its table
  bool refuses = false;  ///< other commands refuse what is beyond it, so that it is told nowhere
};

/// A word of Field::one_of, or a list of integers.
struct WordOrIntegers {
  std::string word;
  std::vector<std::int64_t> list;  ///< where not empty, the word does not count
};

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void field(const Field&, bool&) = 0;
  virtual void field(const Field&, std::int64_t&) = 0;
  virtual void field(const Field&, double&) = 0;
  virtual void field(const Field&, std::string&) = 0;
  virtual void field(
      const Field&,
      std::optional<std::int64_t>&) = 0;  ///< an integer, or `word` (where given) for none
  virtual void field(const Field&, std::optional<double>&) = 0;
  virtual void field(const Field&, std::vector<std::int64_t>&) = 0;
  virtual void field(const Field&, std::vector<double>&) = 0;
  virtual void field(const Field&, std::vector<std::string>&) = 0;
  virtual void field(const Field&, WordOrIntegers&) = 0;
  /// An enumeration: `names` lists the words of enumerators 0, 1, 2, ...
  template <class E>
  requires std::is_enum_v<E>
  void field(Field note, E& value, const std::vector<std::string_view>& names) {
    note.one_of = names;
    std::string word(names[static_cast<std::size_t>(value)]);
    field(note, word);
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] == word) value = static_cast<E>(i);
  }
};

/// One line of the manual.
struct FieldManual {
  std::string key, meaning, unit, default_value, range;
  bool affects_results = true, is_file = false, when_read = false,
       came_later = false;  ///< as Field has them
  std::vector<std::string> read_by = {};
};

/// Reads the keys of a table into a struct, checks types and ranges, and remembers which keys are
/// known. A key that is absent leaves its member alone. Borrows the table.
class FieldReader : public FieldVisitor {
 public:
  /// `path` is the table's dotted path, "" for the root ("device"), used in messages.
  FieldReader(const ConfigNode& table, std::string path);
  void field(const Field&, bool&) override;
  void field(const Field&, std::int64_t&) override;
  void field(const Field&, double&) override;  ///< an integer is accepted; NaN and infinity are not
  void field(const Field&, std::string&) override;
  void field(const Field&, std::optional<std::int64_t>&) override;
  void field(const Field&, std::optional<double>&) override;
  void field(const Field&, std::vector<std::int64_t>&) override;
  void field(const Field&, std::vector<double>&) override;
  void field(const Field&, std::vector<std::string>&) override;
  void field(const Field&, WordOrIntegers&) override;
  using FieldVisitor::field;
  /// Keys that other code reads (sub-tables).
  void allow(std::string_view key);
  /// ConfigError at the first unknown key: "unknown key device.levles (did you mean
  /// 'levels'?)".
  void finish() const;

 private:
  const ConfigNode* find(const Field&);
  std::string name(std::string_view key) const;
  /// ConfigError "device.sigma = "x" is a string, expected a number" at the value.
  [[noreturn]] void wrong(const std::string& name, const ConfigNode&, const std::string& expected,
                          bool wants_integer = false) const;
  void check_range(const Field&, const std::string& name, const ConfigNode&,
                   double user_value) const;
  bool is_word(const Field&, const ConfigNode&) const;
  std::int64_t integer(const Field&, const std::string& name, const ConfigNode&) const;
  double number(const Field&, const std::string& name, const ConfigNode&) const;
  std::string string(const Field&, const std::string& name, const ConfigNode&) const;
  template <class T, class ReadOne>
  void list(const Field&, std::vector<T>&, const char* expected, ReadOne read_one);

  const ConfigNode& table_;
  std::string path_;
  std::vector<std::string> known_;
};

/// Reads a whole table: every key must be a field of `P` or in `also`.
template <class P>
void read_fields(const ConfigNode& table, const std::string& path, P& params,
                 const std::vector<std::string_view>& also = {}) {
  FieldReader reader(table, path);
  fields(reader, params);
  for (std::string_view key : also) reader.allow(key);
  reader.finish();
}

/// Writes every field (defaults too) as a table. A member that holds SI is written as the shortest
/// decimal that reads back to the same bits. With `results_only`, keys that do not affect results
/// are left out, and those that are idle beside the others' values.
class FieldWriter : public FieldVisitor {
 public:
  explicit FieldWriter(bool results_only) : results_only_(results_only) {}
  void field(const Field&, bool&) override;
  void field(const Field&, std::int64_t&) override;
  void field(const Field&, double&) override;
  void field(const Field&, std::string&) override;
  void field(const Field&,
             std::optional<std::int64_t>&) override;  ///< none without a word: left out
  void field(const Field&, std::optional<double>&) override;
  void field(const Field&, std::vector<std::int64_t>&) override;
  void field(const Field&, std::vector<double>&) override;
  void field(const Field&, std::vector<std::string>&) override;
  void field(const Field&, WordOrIntegers&) override;
  using FieldVisitor::field;
  ConfigNode table;

 private:
  template <class T>
  void put(const Field&, T value);
  bool results_only_;
};

template <class P>
ConfigNode write_fields(P params, bool results_only = true) {
  FieldWriter writer(results_only);
  fields(writer, params);
  return std::move(writer.table);
}

/// A line on a key that the user wrote: that it has no effect, or a value that can hardly be meant.
struct KeyNote {
  Origin origin;     ///< of the key
  std::string key;   ///< dotted
  std::string text;  ///< "has no effect: range is not "fixed"", "= 5 is 500 % of g_max"
  std::vector<std::string> read_by = {};  ///< commands that read the key; empty: all
};

/// Finds what there is to say of the keys that a table writes, given the struct that was read from
/// it. Borrows the table.
class KeyNoteFinder : public FieldVisitor {
 public:
  KeyNoteFinder(const ConfigNode& table, std::string path)
      : table_(table), path_(std::move(path)) {}
  void field(const Field& note, bool&) override { look(note); }
  void field(const Field& note, std::int64_t&) override { look(note); }
  void field(const Field& note, double& value) override { look(note, value / note.scale); }
  void field(const Field& note, std::string&) override { look(note); }
  void field(const Field& note, std::optional<std::int64_t>&) override { look(note); }
  void field(const Field& note, std::optional<double>&) override { look(note); }
  void field(const Field& note, std::vector<std::int64_t>&) override { look(note); }
  void field(const Field& note, std::vector<double>&) override { look(note); }
  void field(const Field& note, std::vector<std::string>&) override { look(note); }
  void field(const Field& note, WordOrIntegers&) override { look(note); }
  using FieldVisitor::field;
  std::vector<KeyNote> notes;

 private:
  void look(const Field& note, double user_value = 0);
  const ConfigNode& table_;
  std::string path_;
};

template <class P>
void find_key_notes(const ConfigNode& table, const std::string& path, P params,
                    std::vector<KeyNote>& notes) {
  KeyNoteFinder finder(table, path);
  fields(finder, params);
  notes.insert(notes.end(), finder.notes.begin(), finder.notes.end());
}

/// The shortest decimal that a reader of this scale turns into exactly `si`; where no double does,
/// the nearest.
double in_user_units(double si, double scale);

/// What a key may hold, in words: "1 .. 16, or "ideal"", "above 0", "one of ideal, lognormal"; ""
/// if anything.
std::string range_in_words(const Field&);

/// Collects the manual of a struct; defaults are those of the object it visits.
class FieldDescriber : public FieldVisitor {
 public:
  void field(const Field&, bool&) override;
  void field(const Field&, std::int64_t&) override;
  void field(const Field&, double&) override;
  void field(const Field&, std::string&) override;
  void field(const Field&, std::optional<std::int64_t>&) override;
  void field(const Field&, std::optional<double>&) override;
  void field(const Field&, std::vector<std::int64_t>&) override;
  void field(const Field&, std::vector<double>&) override;
  void field(const Field&, std::vector<std::string>&) override;
  void field(const Field&, WordOrIntegers&) override;
  using FieldVisitor::field;
  std::vector<FieldManual> manual;

 private:
  template <class T>
  void describe(const Field&, T& value);
};

template <class P>
std::vector<FieldManual> describe_fields(P params) {
  FieldDescriber describer;
  fields(describer, params);
  return std::move(describer.manual);
}

}  // namespace ohmic
