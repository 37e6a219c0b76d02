#include "tests/lab/scenario_run.hpp"

#include <exception>
#include <optional>

#include "tests/lab/stage.hpp"

namespace assent::lab {
namespace {

// A server that is being started or killed may refuse the question: then it is not so, yet.
std::optional<std::string> look(Stage& stage, const Condition& condition) {
  stage.notice_deaths();
  try {
    return stage.differs(condition);
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::optional<std::string> check(Stage& stage, const Step& step) {
  if (step.verb == Verb::expect) return look(stage, step.condition);
  std::optional<std::string> differs;
  dev::poll_until(
      [&] {
        differs = look(stage, step.condition);
        return !differs.has_value();
      },
      step.within);
  return differs;
}

void play(const Scenario& scenario, Stage& stage, ScenarioRun& run) {
  for (const Step& step : scenario.steps) {
    run.failed_line = step.line;
    stage.notice_deaths();
    if (step.verb != Verb::expect && step.verb != Verb::eventually) {
      stage.perform(step);
      continue;
    }
    const auto differs = check(stage, step);
    run.timeline->mark("check", differs ? MarkKind::failure : MarkKind::check,
                       differs ? step.text + ": " + *differs : step.text);
    if (!differs) continue;
    run.failure = "`" + step.text + "` does not hold: " + *differs;
    return;
  }
}

}  // namespace

ScenarioRun run_scenario(const Scenario& scenario, const std::filesystem::path& folder,
                         const Addresses* existing) {
  ScenarioRun run;
  run.scenario = scenario;
  run.timeline = std::make_shared<Timeline>();
  try {
    Stage stage(scenario, folder, *run.timeline, existing);
    try {
      play(scenario, stage, run);
    } catch (const std::exception& error) {
      run.failure = error.what();
      run.timeline->mark("check", MarkKind::failure, run.failure);
    }
    stage.notice_deaths();
    stage.collect_messages();
  } catch (const std::exception& error) {
    run.failure = error.what();
  }
  run.seconds = run.timeline->now_ms() / 1000;
  return run;
}

}  // namespace assent::lab
