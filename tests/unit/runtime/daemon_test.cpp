// The daemon frame as a person meets it: a process, its options, its environment, its file.
#include "protocol/runtime/daemon.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/catch.hpp"

namespace {

using Strings = std::vector<std::string>;

struct Outcome {
  int code = -1;  // exit code, or minus the signal
  std::string out;
  std::string err;
  bool says(const std::string& text) const { return err.find(text) != std::string::npos; }
  bool prints(const std::string& text) const { return out.find(text) != std::string::npos; }
};

std::vector<char*> pointers(Strings& strings) {
  std::vector<char*> out;
  for (auto& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

class Probe {
 public:
  Probe(Strings arguments, Strings environment) {
    arguments.insert(arguments.begin(), ASSENT_PROBE);
    int out[2];
    int err[2];
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(err, O_CLOEXEC) == 0);
    auto argv = pointers(arguments);
    auto envp = pointers(environment);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(out[1], 1);
      ::dup2(err[1], 2);
      ::execve(argv[0], argv.data(), envp.data());
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_ = out[0];
    err_ = err[0];
  }
  ~Probe() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(out_);
    ::close(err_);
  }
  void wait_for(const std::string& text) {
    char byte = 0;
    while (seen_.find(text) == std::string::npos && ::read(out_, &byte, 1) == 1) seen_ += byte;
  }
  void signal(int number) { ::kill(pid_, number); }
  Outcome finish() {
    Outcome outcome;
    outcome.out = seen_ + drain(out_);
    outcome.err = drain(err_);
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return outcome;
  }

 private:
  static std::string drain(int fd) {
    std::string all;
    char block[4096];
    for (ssize_t got = 0; (got = ::read(fd, block, sizeof block)) > 0;) {
      all.append(block, static_cast<std::size_t>(got));
    }
    return all;
  }

  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string seen_;
};

Outcome probe(Strings arguments, Strings environment = {}) {
  return Probe(std::move(arguments), std::move(environment)).finish();
}

// A configuration file that is gone after the test.
struct File {
  explicit File(const std::string& text) {
    static int number = 0;
    path = std::filesystem::temp_directory_path() /
           ("assent-daemon-test-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
    std::ofstream(path) << text;
  }
  ~File() { std::filesystem::remove(path); }
  std::string path;
};

}  // namespace

TEST_CASE("daemon: defaults, and an option in either form") {
  const auto outcome = probe({"--name=n", "--count", "4"});
  CHECK(outcome.code == 0);
  CHECK(outcome.prints("listen 127.0.0.1:80\nidle 75000\nbody 1048576\ncount 4\npeers\non 0\n"));
}

TEST_CASE("daemon: option before environment before file before default") {
  File file(
      "name = \"file\"\ncount = 5\npeers = [\"a:1\", \"b:2\"]\non = true\n"
      "[http]\nidle_timeout = \"2m\"\nlisten = \"file:1\"\nbody = \"64KiB\"\n"
      "[db]\npassword = \"${pass}\"\n");
  const auto outcome = probe({"--config", file.path, "--http-listen=option:1"},
                             {"ASSENT_HTTP_LISTEN=env:1", "ASSENT_COUNT=6"});
  CHECK(outcome.code == 0);
  CHECK(outcome.out ==
        "listen option:1\nidle 120000\nbody 65536\ncount 6\npeers a:1 b:2\non 1\nname file\n"
        "password ${pass}\n");
}

TEST_CASE("daemon: what the shell has for the command line or the lab is no misspelt key") {
  const auto outcome =
      probe({"--name=n"}, {"ASSENT_PARTICIPANTS=a:1,b:1", "ASSENT_LAB_SCENARIOS=/lab"});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
}

TEST_CASE("daemon: the file may be named by the environment, lists by repeating") {
  File file("name = \"file\"\n");
  const auto outcome =
      probe({"--peers=a:1", "--peers", "b:2", "--on"}, {"ASSENT_CONFIG=" + file.path});
  CHECK(outcome.prints("peers a:1 b:2\non 1\nname file\n"));
}

TEST_CASE("daemon: lists by name, as a table in the file, and in one line elsewhere") {
  File file("name = \"file\"\n[teams]\nred = [\"ann\", \"bob\"]\n'blue' = []\n");
  CHECK(probe({"--config", file.path}).prints("peers\nteam blue\nteam red ann bob\non 0\n"));
  File line("name = \"file\"\nteams = {red = [\"ann\"]}\n");
  CHECK(probe({"--config", line.path}).prints("peers\nteam red ann\non 0\n"));
  CHECK(probe({"--config", line.path, "--teams", "red=bob", "--teams", "a = b , c;"})
            .prints("peers\nteam a b c\nteam red bob\non 0\n"));
  CHECK(probe({"--name=n"}, {"ASSENT_TEAMS=red=ann,bob"}).prints("team red ann bob\n"));
  const auto shown = probe({"config", "show", "--config", file.path});
  CHECK(shown.prints("teams = {\"blue\" = [], \"red\" = [\"ann\", \"bob\"]}  # " + file.path +
                     ", line 2\n"));
  const auto refused = [](const std::string& teams, const std::string& why) {
    const auto outcome = probe({"--name=n", "--teams", teams});
    INFO(outcome.err);
    CHECK(outcome.code == 78);
    CHECK(outcome.says(why));
  };
  for (const char* teams : {"red", "=ann", "red=ann;red=bob", "red blue,green=ann"})
    refused(teams, "is not lists by name, such as one=a,b;other=c");
  const auto no_table = [](const std::string& text, const std::string& why) {
    File bad("[teams]\n" + text);
    const auto outcome = probe({"--name=n", "--config", bad.path});
    INFO(outcome.err);
    CHECK(outcome.says(bad.path + ", line 2: " + why));
  };
  no_table("red = \"ann\"\n", "red is a list of texts");
  no_table("red = [\"a;b\"]\n", "\"a;b\" holds a \";\", which separates items");
  no_table("\"r;d\" = []\n", "\"r;d\" cannot be a name here");
  no_table("[teams.red]\nx = 1\n", "");
}

TEST_CASE("daemon: the command line is refused by name") {
  const auto refused = [](Strings arguments, const std::string& text) {
    const auto outcome = probe(std::move(arguments));
    INFO(outcome.err);
    CHECK(outcome.code == 64);
    CHECK(outcome.says(text));
    CHECK(outcome.says("--help"));
  };
  refused({"--http-listn=x"}, "unknown option --http-listn; did you mean \"--http-listen\"?");
  refused({"--http-lis=x"}, "unknown option --http-lis");
  refused({"-x"}, "unknown option -x");
  refused({"--daemon"}, "unknown option --daemon");
  refused({"--count"}, "--count needs a value");
  refused({"--count=1", "--count=2"}, "--count is given twice");
  refused({"rum"}, "unknown command \"rum\"; did you mean \"run\"?");
  refused({"run", "more"}, "one argument too many: \"more\"");
  refused({"--db-password=x"}, "db.password is secret: set ASSENT_DB_PASSWORD");
}

TEST_CASE("daemon: the configuration is refused by name") {
  const auto refused = [](Strings arguments, Strings environment, const std::string& text) {
    const auto outcome = probe(std::move(arguments), std::move(environment));
    INFO(outcome.err);
    CHECK(outcome.code == 78);
    CHECK(outcome.says(text));
  };
  refused({}, {}, "name is not given; set --name or ASSENT_NAME");
  refused({"--name=n", "--count=11"}, {},
          "count (option --count): \"11\" is too large; the most is 10");
  refused({"--name=n"}, {"ASSENT_COUNT=0"}, "count (ASSENT_COUNT): \"0\" is too small");
  refused({"--name=n", "--count=x"}, {}, "is not a whole number");
  refused({"--name=n", "--http-idle-timeout=75"}, {}, "\"75\" is not a duration");
  refused({"--name=n", "--http-idle-timeout=11m"}, {}, "the most is 10m");
  refused({"--name=n", "--http-body=1MB"}, {}, "\"1MB\" is not a size");
  refused({"--name=n", "--on=yes"}, {}, "\"yes\" is not true or false");
  refused({"--name=n", "--log-level=loud"}, {}, "is none of debug, info, warning, error");
  refused({"--name=n"}, {"ASSENT_HTTP_LISTN=x"},
          "ASSENT_HTTP_LISTN, which is not known here; did you mean \"ASSENT_HTTP_LISTEN\"?");
  refused({"--name=n", "--config=/nowhere.toml"}, {}, "/nowhere.toml");
  refused({"--name=n"}, {"ASSENT_CRASH_POINTS=send.comit=kill"},
          "no crash point \"send.comit\"; did you mean \"send.commit\"?");
}

TEST_CASE("daemon: the file is refused by key and line") {
  const auto refused = [](const std::string& text, const std::string& expected) {
    File file(text);
    const auto outcome = probe({"--name=n", "--config", file.path});
    INFO(outcome.err);
    CHECK(outcome.code == 78);
    CHECK(outcome.says(file.path + ", line 2: " + expected));
  };
  refused("[http]\nlisten_ = \"x\"\n",
          "there is no key \"http.listen_\"; did you mean \"http.listen\"?");
  refused("on = true\n[http\n", "");
  refused("on = true\ncount = 1.5\n", "a value is a text, a whole number");
  refused("on = true\npeers = [\"a,b\"]\n", "\"a,b\" holds a comma");
  const std::string stray = "a letter beyond ASCII stands outside of quotes";
  refused("on = true\ncount \xC3\xA9 = 1\n", stray);
  refused("on = true # \xC3\xA9\nname = \"\" \xCC\xAB\n", stray);
  refused("name = 'a\\'\non = \xC3\xA9\n", stray);
  refused("on = true\ncount = 5\"\xC3\xA9\n", stray);
  refused("name = \"\"\"\n\xC3\xA9\"\"\"\n", stray);
  refused("name = \"\"\"a\"\"\"\"\n\xC3\xA9 = 1\n", stray);
  File wrong("count = 99\n");
  CHECK(probe({"--name=n", "--config", wrong.path}).says("count (" + wrong.path + ", line 1)"));
}

TEST_CASE("daemon: a text in the file may be in any language") {
  File file("\xEF\xBB\xBF# \xC3\xA9\nname = \"\xC3\xA9\\\"\xC3\xA9\"\npeers = ['\xC3\xA9']\n");
  const auto outcome = probe({"config", "show", "--config", file.path});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  File no_key("[!]\n");
  CHECK(probe({"--name=n", "--config", no_key.path}).code == 78);
  CHECK(probe({"--name=n", "--config=/"}).says("/: the file cannot be read"));
}

TEST_CASE("daemon: pages") {
  const auto help = probe({"--help"});
  CHECK(help.code == 0);
  for (const char* part :
       {"Usage: probe [COMMAND] [OPTION]...", "(the default)", "--http-idle-timeout DURATION",
        "(default: 75s)", "(required)", "ASSENT_DB_PASSWORD (no option", "[http] listen", "78  ",
        "  probe --name x", "debug|info|warning|error"}) {
    INFO(part);
    CHECK(help.prints(part));
  }
  CHECK(probe({"-h"}).out == help.out);
  CHECK(probe({"--version"}).out == "probe 1.2.3\n");
  // What the reference is made from: everything, and no option for a secret.
  const auto described = probe({"--describe"});
  CHECK(described.code == 0);
  for (const char* part :
       {R"("name":"probe","version":"1.2.3")",
        R"({"name":"wait","help":"Wait for a signal","options":[]})",
        R"("environment":"ASSENT_DB_PASSWORD","option":"")", R"("least":1000,"most":600000)",
        R"("choices":["debug","info","warning","error"])", R"({"code":78,)"}) {
    INFO(part);
    CHECK(described.prints(part));
  }
  CHECK_FALSE(help.prints("--describe"));
  CHECK(probe({"--list-crash-points"}).out == "log.after-write\nsend.commit\n");
}

TEST_CASE("config show: every key, its value in its unit, and where that came from") {
  File file("peers = [\"a:1\", \"b:2\"]\n[http]\nbody = \"64KiB\"\n");
  const auto shown = probe({"config", "show", "--name=n", "--config", file.path},
                           {"ASSENT_DB_PASSWORD=hush", "ASSENT_COUNT=4"});
  CHECK(shown.code == 0);
  for (const std::string& line :
       {std::string("name = \"n\"  # option --name\n"),
        std::string("count = 4  # things; ASSENT_COUNT\n"),
        std::string("http.idle_timeout = \"75s\"  # 75000 ms; default\n"),
        "http.body = \"64KiB\"  # 65536 bytes; " + file.path + ", line 3\n",
        "peers = [\"a:1\", \"b:2\"]  # " + file.path + ", line 1\n"}) {
    INFO(line << shown.out);
    CHECK(shown.prints(line));
  }
  CHECK(shown.prints("# db.password is hidden"));
  CHECK(shown.prints("ASSENT_DB_PASSWORD\n"));
  CHECK_FALSE(shown.prints("hush"));
  // What it prints is a file that means the same.
  File again(shown.out);
  const auto second = probe({"--config", again.path}, {"ASSENT_DB_PASSWORD=hush"});
  CHECK(second.prints("idle 75000\nbody 65536\ncount 4\npeers a:1 b:2\non 0\nname n\n"));
}

TEST_CASE("config show: what may hold a password is not shown") {
  for (const char* text :
       {"host=x PassWord=hush", "postgres://me:hush@host/db",
        "postgresql://host/db?passw%6frd=hush", "dbname=x sslpassword = 'hush'"}) {
    INFO(text);
    const auto shown = probe({"config", "show"}, {std::string("ASSENT_NAME=") + text});
    CHECK(shown.code == 0);
    CHECK(shown.prints("# name is hidden"));
    CHECK_FALSE(shown.prints("hush"));
  }
}

TEST_CASE("config sample: every key, commented out; and with the comments taken away, a file") {
  const auto sample = probe({"config", "sample"}, {"ASSENT_COUNT=wrong"});
  CHECK(sample.code == 0);
  CHECK(sample.prints("# A number. Things, 1 to 10.\n#count = 3\n"));
  CHECK(sample.prints("# A name. Text. Required.\n#name = \"somebody\"\n"));
  CHECK(sample.prints("\n[http]\n"));
  CHECK(probe({"--name=n", "--config", File(sample.out).path}).code == 0);
  std::string text;
  std::istringstream lines(sample.out);
  for (std::string line; std::getline(lines, line);)
    text +=
        (line.starts_with("# ") || line.empty() || line[0] != '#' ? line : line.substr(1)) + "\n";
  File file(text);
  const auto used = probe({"--config", file.path});
  INFO(text << used.err);
  CHECK(used.prints("idle 75000\nbody 1048576\ncount 3\n"));
}

TEST_CASE("config check: all that is wrong, each by name") {
  File file("count = 99\ncuont = 1\n[http]\nlistn = \"x\"\n");
  const auto wrong = probe({"config", "check", "--config", file.path, "--http-body=1MB"},
                           {"ASSENT_PERS=x", "ASSENT_CRASH_POINTS=send.comit=kill"});
  CHECK(wrong.code == 78);
  for (const char* part :
       {"line 1): \"99\" is too large",
        "line 2: there is no key \"cuont\"; did you mean \"count\"?",
        "line 4: there is no key \"http.listn\"; did you mean \"http.listen\"?",
        "\"1MB\" is not a size",
        "ASSENT_PERS, which is not known here; did you mean \"ASSENT_PEERS\"?", "name is not given",
        "no crash point \"send.comit\"", "warning: careful\n  do that\n"}) {
    INFO(part << wrong.out);
    CHECK(wrong.prints(part));
  }
  // What is outside is looked at when the rest is right, and asked for.
  CHECK_FALSE(wrong.prints("outside"));
  const auto right = probe({"config", "check", "--name=n"});
  CHECK(right.code == 0);
  CHECK(right.prints("ok: "));
  CHECK_FALSE(right.prints("outside"));
  const auto online = probe({"config", "check", "--online", "--name=n"});
  CHECK(online.code == 78);
  CHECK(online.prints("error: the outside is down"));
  CHECK_FALSE(online.prints("ok: "));
  const auto unread = probe({"config", "check", "--config=/nowhere.toml"});
  CHECK(unread.code == 78);
  CHECK(unread.prints("error: /nowhere.toml"));
  CHECK_FALSE(unread.prints("name is not given"));
}

TEST_CASE("daemon: a start names all that is wrong, too") {
  const auto wrong = probe({"--count=x", "--on=maybe"});
  CHECK(wrong.code == 78);
  CHECK(wrong.says("probe: name is not given"));
  CHECK(wrong.says("probe: count (option --count)"));
  CHECK(wrong.says("probe: on (option --on)"));
}

TEST_CASE("daemon: commands of two words have options of their own") {
  const auto refused = [](Strings arguments, const std::string& text) {
    const auto outcome = probe(std::move(arguments));
    INFO(outcome.err);
    CHECK(outcome.code == 64);
    CHECK(outcome.says(text));
  };
  refused({"config"}, "\"config\" is not all of a command; there are: config check, config show");
  refused({"config", "chek"}, "unknown command \"config chek\"; did you mean \"config check\"?");
  refused({"config", "check", "now"}, "one argument too many: \"now\"");
  refused({"--online", "--name=n"}, "--online is no option of the command run");
  refused({"config", "check", "--online=false"}, "the option --online takes no value");
  refused({"copy", "all", "--name=n"}, "the command copy all needs --to FOLDER");
  refused({"copy", "all", "--to"}, "the option --to needs a value");
  refused({"copy", "all", "--to=a", "--to", "b"}, "the option --to is given twice");
  CHECK(probe({"copy", "all", "--to", "there", "--name=n"}).prints("to there"));
  CHECK(probe({"copy", "all", "--help"}).prints("--to FOLDER\n          where to (required)"));
}

TEST_CASE("daemon: what the body throws becomes an exit code and a line") {
  CHECK(probe({"fail", "--name=config"}).code == 78);
  CHECK(probe({"fail", "--name=config"}).says("the data is another's"));
  CHECK(probe({"fail", "--name=temporary"}).code == 75);
  CHECK(probe({"fail", "--name=defect"}).code == 70);
  CHECK(probe({"fail", "--name=x"}).code == 7);
}

TEST_CASE("daemon: lines for machines where nobody looks, for people if asked") {
  CHECK(probe({"--name=n"}).says("\"level\":\"info\",\"message\":\"printed\",\"name\":\"n\""));
  CHECK(probe({"--name=n", "--log-format=text"}).says("INFO    printed name=n count=3"));
  CHECK(probe({"--name=n", "--log-level=error"}).err.empty());
}

TEST_CASE("daemon: the first signal drains, the second ends") {
  for (const int number : {SIGTERM, SIGINT}) {
    Probe polite({"wait", "--name=n"}, {});
    polite.wait_for("ready");
    polite.signal(SIGPIPE);
    polite.signal(number);
    const auto outcome = polite.finish();
    CHECK(outcome.code == 0);
    CHECK(outcome.prints("draining"));
  }
  Probe stubborn({"wait", "--name=n"}, {"STUBBORN=1"});
  stubborn.wait_for("ready");
  stubborn.signal(SIGTERM);
  stubborn.wait_for("draining");
  stubborn.signal(SIGTERM);
  CHECK(stubborn.finish().code == 128 + SIGTERM);
}

TEST_CASE("crash points: what is ordered happens, at its passage") {
  const auto crash = [](const std::string& orders) {
    return probe({"crash", "--name=n"}, {"ASSENT_CRASH_POINTS=" + orders});
  };
  CHECK(crash("").out == "1 passed\n2 passed\n3 passed\n");
  CHECK(crash("log.after-write=error").out == "1 error\n2 passed\n3 passed\n");
  CHECK(crash("log.after-write=error@2").out == "1 passed\n2 error\n3 passed\n");
  CHECK(crash("log.after-write=error@2+").out == "1 passed\n2 error\n3 error\n");
  const auto killed = crash("send.commit=kill@2,log.after-write=error");
  CHECK(killed.code == -SIGKILL);
  CHECK(killed.out == "1 error\n2 passed\n");
  CHECK(killed.says("send.commit: killed by order"));
  const auto begun = std::chrono::steady_clock::now();
  CHECK(crash("log.after-write=delay:300ms@3").code == 0);
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(300));
  for (const char* wrong :
       {"log.after-write", "log.after-write=", "log.after-write=die", "log.after-write=kill@0",
        "log.after-write=kill@x", "log.after-write=delay:5"}) {
    INFO(wrong);
    CHECK(crash(wrong).code == 78);
  }
}
