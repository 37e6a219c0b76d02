// The language of the scenarios: one line, one command. README.md describes it.
#pragma once

#include <string>
#include <vector>

#include "tests/scenarios/world.hpp"

namespace assent::scenarios {

using Words = std::vector<std::string>;

class Commands {
 public:
  // Does what the line says; what happened is told by take_output(). Throws Refusal.
  void run(const std::string& line, int number);
  // What the end of a file finds: holds that nothing was ever held by. Throws Refusal.
  void finish();

  std::vector<std::string> take_output() { return world_.take_output(); }
  bool violated() const { return world_.violated(); }

  struct Entry {
    std::string name;
    std::string usage;
    void (Commands::*obey)(const Words&);
  };
  static const std::vector<Entry>& table();

 private:
  // commands.cpp: parties and clients
  void limits(const Words& words);
  void participants(const Words& words);
  void start(const Words& words);
  void crash(const Words& words);
  void kill(const Words& words);
  void restart(const Words& words);
  void connect(const Words& words);
  void break_link(const Words& words);
  void begin(const Words& words);
  void execute(const Words& words);
  void commit(const Words& words);
  void rollback(const Words& words);
  void resolve(const Words& words);
  void acknowledge(const Words& words);
  void status(const Words& words);
  void drain(const Words& words);
  void reload(const Words& words);

  // commands_travel.cpp: what travels, the log, databases, time
  void deliver(const Words& words);
  void drop(const Words& words);
  void duplicate(const Words& words);
  void hold(const Words& words);
  void release(const Words& words);
  void cut(const Words& words);
  void heal(const Words& words);
  void sync(const Words& words);
  void ledger(const Words& words);
  void settle(const Words& words);
  void rest(const Words& words);
  void tick(const Words& words);
  void clock(const Words& words);
  void database(const Words& words);
  void hand(const Words& words);
  void application(const Words& words);
  std::string full_gid(const std::string& word);
  void late(const Words& words);

  // commands_look.cpp: what is looked at, and what is made up
  void state(const Words& words);
  void expect(const Words& words);
  void forge(const Words& words);
  void coordinator_state(const Coordinator& who);
  void participant_state(const Participant& who);
  std::string found(const Words& words, std::string& wanted);
  std::string link_state(const std::string& participant);

  // Those in the air that the words mean; refuses where there are none.
  std::vector<std::shared_ptr<Message>> meant(const Words& words);
  // The words are not understood: says how the command is written.
  [[noreturn]] void misunderstood() const;

  World world_;
  const Entry* current_ = nullptr;
  int line_ = 0;
};

// "500ms", "5s", "10m", "2h", "3d", with a sign where it may go back.
Duration parse_duration(const std::string& word);

}  // namespace assent::scenarios
