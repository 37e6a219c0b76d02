// A schedule as a sequence diagram (Mermaid): messages, what becomes durable, verbs of the
// databases, crashes and faults.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/trace.hpp"

namespace assent::simulation {

class Diagram {
 public:
  // Of the transaction with this short name ("T12"), or of all if there is none. Of more steps than
  // `most` the last ones are shown.
  Diagram(std::string tx, std::size_t most) : tx_(std::move(tx)), most_(most) {}

  // To be told every line of the trace.
  void add(const Trace::Line& line);
  std::string text() const;

 private:
  struct Step {
    std::string who;
    std::string whom;  // empty: a note over `who`, or over all if that is empty
    const char* arrow = "";
    std::string what;
  };
  void add(Step step);
  bool is_about(const std::string& text) const;
  void coordinator(const Trace::Line& line);
  void participant(const Trace::Line& line);

  std::string tx_;
  std::size_t most_;
  std::deque<Step> steps_;
  std::size_t left_out_ = 0;
};

}  // namespace assent::simulation
