// The names of the enumerators, as they appear everywhere: in texts, logs, records and the REST
// API.
#include "protocol/text.hpp"

namespace assent {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::committed:
      return "committed";
    case Outcome::aborted:
      return "aborted";
  }
  return "?";
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::yes:
      return "yes";
    case Verdict::read_only:
      return "read_only";
    case Verdict::no:
      return "no";
    case Verdict::not_yet:
      return "not_yet";
  }
  return "?";
}

std::string_view to_string(Application application) {
  switch (application) {
    case Application::applied:
      return "applied";
    case Application::proved:
      return "proved";
    case Application::heuristic:
      return "heuristic";
    case Application::unproven:
      return "unproven";
  }
  return "?";
}

std::string_view to_string(Knowledge knowledge) {
  switch (knowledge) {
    case Knowledge::committed:
      return "committed";
    case Knowledge::aborted:
      return "aborted";
    case Knowledge::prepared:
      return "prepared";
    case Knowledge::nothing:
      return "nothing";
  }
  return "?";
}

std::string_view to_string(BranchState state) {
  switch (state) {
    case BranchState::working:
      return "working";
    case BranchState::preparing:
      return "preparing";
    case BranchState::settling:
      return "settling";
    case BranchState::dropping:
      return "dropping";
    case BranchState::prepared:
      return "prepared";
    case BranchState::committing:
      return "committing";
    case BranchState::rolling_back:
      return "rolling_back";
    case BranchState::proving:
      return "proving";
    case BranchState::denied:
      return "denied";
  }
  return "?";
}

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::one_shot:
      return "one_shot";
    case Mode::interactive:
      return "interactive";
    case Mode::external:
      return "external";
  }
  return "?";
}

std::string_view to_string(TxState state) {
  switch (state) {
    case TxState::open:
      return "open";
    case TxState::preparing:
      return "preparing";
    case TxState::deciding:
      return "deciding";
    case TxState::committing:
      return "committing";
    case TxState::committed:
      return "committed";
    case TxState::aborting:
      return "aborting";
    case TxState::aborted:
      return "aborted";
  }
  return "?";
}

std::string_view to_string(BranchPhase phase) {
  switch (phase) {
    case BranchPhase::working:
      return "working";
    case BranchPhase::preparing:
      return "preparing";
    case BranchPhase::yes:
      return "yes";
    case BranchPhase::read_only:
      return "read_only";
    case BranchPhase::no:
      return "no";
    case BranchPhase::not_yet:
      return "not_yet";
    case BranchPhase::finishing:
      return "finishing";
    case BranchPhase::applied:
      return "applied";
    case BranchPhase::heuristic:
      return "heuristic";
    case BranchPhase::unproven:
      return "unproven";
  }
  return "?";
}

std::string_view to_string(BranchEffect effect) {
  switch (effect) {
    case BranchEffect::none:
      return "none";
    case BranchEffect::commit:
      return "commit";
    case BranchEffect::roll_back:
      return "roll_back";
    case BranchEffect::prove:
      return "prove";
    case BranchEffect::ask:
      return "ask";
  }
  return "?";
}

std::string_view to_string(Standing standing) {
  switch (standing) {
    case Standing::complete:
      return "complete";
    case Standing::careful:
      return "careful";
    case Standing::contradicted:
      return "contradicted";
  }
  return "?";
}

std::string_view to_string(FinishDone::Result result) {
  switch (result) {
    case FinishDone::Result::done:
      return "done";
    case FinishDone::Result::no_such_gid:
      return "no_such_gid";
    case FinishDone::Result::again:
      return "again";
    case FinishDone::Result::denied:
      return "denied";
  }
  return "?";
}

std::string_view to_string(StatusRead::Status status) {
  switch (status) {
    case StatusRead::Status::committed:
      return "committed";
    case StatusRead::Status::aborted:
      return "aborted";
    case StatusRead::Status::in_progress:
      return "in_progress";
    case StatusRead::Status::unknown:
      return "unknown";
    case StatusRead::Status::unavailable:
      return "unavailable";
  }
  return "?";
}

std::string_view to_string(ParticipantMachine::LinkState state) {
  switch (state) {
    case ParticipantMachine::LinkState::down:
      return "down";
    case ParticipantMachine::LinkState::waiting:
      return "waiting";
    case ParticipantMachine::LinkState::greeting:
      return "greeting";
    case ParticipantMachine::LinkState::raising:
      return "raising";
    case ParticipantMachine::LinkState::ready:
      return "ready";
  }
  return "?";
}

std::string_view to_string(WaitFor wait_for) {
  switch (wait_for) {
    case WaitFor::applied:
      return "applied";
    case WaitFor::decided:
      return "decided";
  }
  return "?";
}

std::string_view to_string(Member::State state) {
  switch (state) {
    case Member::State::away:
      return "away";
    case Member::State::greeting:
      return "greeting";
    case Member::State::welcomed:
      return "welcomed";
    case Member::State::ready:
      return "ready";
  }
  return "?";
}

std::string_view to_string(Tail tail) {
  switch (tail) {
    case Tail::clean:
      return "clean";
    case Tail::torn:
      return "torn";
  }
  return "?";
}

}  // namespace assent
