/* Two-phase commit as docs/PROTOCOL.md says it, written from its sentences (P1 ...) alone: one
 * transaction with a branch at each of N participants, one ledger, restarts with the next epoch.
 * README.md says what is left out and how to run it.
 *
 * Every party takes whole steps (atomic); the parties' steps come in any order. A MUTANT_ breaks
 * one sentence, and must be refuted.
 */
#ifndef N
#define N 2
#endif
#ifndef CRASHES
#define CRASHES 2      /* of the coordinator and of participants, together */
#endif
#ifndef LOSSES
#define LOSSES 1       /* messages lost, or links broken (P12) */
#endif
#ifndef DOUBLES
#define DOUBLES 1      /* messages that arrive twice (P12) */
#endif

mtype = { preparing, deciding, committing, aborting, ended, unknown };
mtype = { none, working, dropping, prepared, to_commit, to_abort, gone };
mtype = { running, committed, aborted };

/* ---- the network. What is sent again while it is on its way is the same message. It is lost with
 * its link, but for what a coordinator had sent that has crashed: that may come late, after its
 * successor was heard (P9). ---- */
bool m_prepare[N];     /* of epoch 1: no later start sends it */
byte m_commit[N];      /* the epoch of the sender; 0: none on its way */
byte m_abort[N];
bool m_ready[N];       /* P10 */
bool m_yes[N];
bool m_no[N];
bool m_inquiry[N];
bool m_applied[N];

/* ---- the ledger ---- */
bool commit_written;   /* P19 */
bool commit_durable;
bool end_written;      /* P25 */
byte epoch = 1;        /* P2 */

/* ---- the coordinator's process ---- */
bool up = true;
mtype tx = preparing;  /* unknown: of an earlier start, or aborted and forgotten (P21, P25) */
bool voted[N];
bool told[N];          /* has confirmed the decision, or needs not hear it */
bool linked[N];        /* is ready (P11) */

/* ---- the participants: process and database ---- */
bool alive[N];
mtype branch[N];
byte link[N];          /* the epoch at the other end; 0: no link */
byte seen[N];          /* P9, durable */
bool prepare_runs[N];  /* PREPARE is under way: it may finish when nobody waits for it (P17) */
bool held[N];          /* prepared in the database */
bool holds_told[N];    /* what Ready says */
mtype db[N];           /* how the branch ended */
bool promised[N];      /* said yes, ever */

byte crashes = CRASHES;
byte losses = LOSSES;
byte doubles = DOUBLES;
bool told_commit;      /* somebody was: a participant or the client */
bool told_abort;

/* ---- what is never said, and what must hold whoever says it ---- */
inline say_commit() { assert(commit_durable && !told_abort); told_commit = true }     /* I1 I3 I5 */
inline say_abort() { assert(!commit_durable && !told_commit); told_abort = true }     /* I3 I5 I9 */
inline ends(i, how) {
  assert(held[i]);
  assert(how == aborted || told_commit);                  /* I6 */
  assert(how == committed || !promised[i] || told_abort); /* I6 */
  held[i] = false;
  db[i] = how;
  assert(db[0] == running || db[1] == running || db[0] == db[1]);  /* I4 */
#if N > 2
  assert(db[0] == running || db[2] == running || db[0] == db[2]);
#endif
}

/* ---- the coordinator ---- */
inline tell(i) {
  if
  :: linked[i] && (tx == committing || tx == ended) -> say_commit(); m_commit[i] = epoch
  :: linked[i] && (tx == aborting || tx == unknown) -> say_abort(); m_abort[i] = epoch
#ifdef MUTANT_ANSWERS_UNDECIDED
  :: linked[i] && (tx == preparing || tx == deciding) -> say_abort(); m_abort[i] = epoch
#endif
  :: else                                           /* P22, P34: nothing of what is undecided */
  fi
}
#if N > 2
#define ALL(x) (x[0] && x[1] && x[2])
#define TELL_ALL() if :: !told[0] -> tell(0) :: else fi; if :: !told[1] -> tell(1) :: else fi; \
  if :: !told[2] -> tell(2) :: else fi
#define FORGET() voted[2] = false; told[2] = false; linked[2] = false
#else
#define ALL(x) (x[0] && x[1])
#define TELL_ALL() if :: !told[0] -> tell(0) :: else fi; if :: !told[1] -> tell(1) :: else fi
#define FORGET() skip
#endif

inline abort() { tx = aborting; say_abort(); TELL_ALL() }        /* P21; the client hears it too */
inline confirmed(i) {
  told[i] = true;
#ifdef MUTANT_ONE_APPLIED_FOR_ALL
  told[0] = true; told[1] = true;
#endif
  if
  :: ALL(told) && tx == committing ->
       assert(db[0] == committed && db[1] == committed);         /* I8 */
       tx = ended; end_written = true
  :: ALL(told) && tx == aborting -> tx = unknown
  :: else
  fi
}

proctype Coordinator() {
end:
  do
  :: atomic { up && tx == preparing -> abort() }                 /* the deadline, or the client */
  :: atomic { up && tx == deciding ->                            /* the log says: durable */
       commit_durable = true; tx = committing; say_commit(); TELL_ALL() }
#ifndef MUTANT_SENDS_ONCE
  :: atomic { up && (tx == committing || tx == aborting) && !ALL(told) -> TELL_ALL() }
#endif
  :: atomic { !up ->
       epoch++; up = true;
       if
#ifdef MUTANT_DOES_NOT_READ_THE_LOG
       :: true -> tx = unknown
#else
       :: commit_durable && end_written -> tx = ended
       :: commit_durable && !end_written -> tx = committing
       :: !commit_durable -> tx = unknown                        /* P35 */
#endif
       fi }
  od
}

/* Messages from a participant arrive. */
inline yes_arrives(i) {
  if
  :: tx == preparing ->
       voted[i] = true;
       if
       :: ALL(voted) ->
            tx = deciding; commit_written = true;
#ifdef MUTANT_ANSWERS_BEFORE_DURABLE
            tx = committing; say_commit(); TELL_ALL()
#endif
       :: else
       fi
  :: tx == unknown || tx == ended -> tell(i)
  :: else
  fi
}
inline no_arrives(i) {
  if
  :: tx == preparing -> told[i] = true; abort(); confirmed(i)
  :: tx == aborting -> confirmed(i)
  :: else
  fi
}
inline ready_arrives(i) {
  linked[i] = true;
  if
  :: tx == preparing && voted[i] && !holds_told[i] -> abort()    /* P23 */
  :: else ->
       if
       :: holds_told[i] || ((tx == committing || tx == aborting) && !told[i]) -> tell(i)
       :: else
       fi
  fi
}
#define KEEPS(message) if :: doubles > 0 -> doubles-- :: message = false fi

proctype FromParticipant(byte i) {
end:
  do
  :: atomic { up && m_ready[i] -> m_ready[i] = false; ready_arrives(i) }
  :: atomic { up && linked[i] && !m_ready[i] && m_yes[i] -> KEEPS(m_yes[i]); yes_arrives(i) }
  :: atomic { up && linked[i] && !m_ready[i] && m_no[i] -> KEEPS(m_no[i]); no_arrives(i) }
  :: atomic { up && linked[i] && !m_ready[i] && m_applied[i] ->
       KEEPS(m_applied[i]);
       if
       :: tx == committing || tx == aborting -> confirmed(i)
       :: else
       fi }
  od
}
proctype Inquiries(byte i) {
end:
  do
  :: atomic { up && linked[i] && !m_ready[i] && m_inquiry[i] -> KEEPS(m_inquiry[i]); tell(i) }
  od
}

/* ---- a participant ---- */
inline applied(i) { if :: link[i] -> m_applied[i] = true :: else fi }
inline commit_arrives(i) {
  if
  :: branch[i] == prepared -> branch[i] = to_commit
  :: (branch[i] == none || branch[i] == gone) && !held[i] ->    /* P29: the commit log is asked */
       assert(db[i] == committed);
       branch[i] = gone; applied(i)
  :: else
  fi
}
inline abort_arrives(i) {
  if
  :: branch[i] == prepared -> branch[i] = to_abort
  :: branch[i] == working -> branch[i] = dropping
  :: branch[i] == none || branch[i] == gone ->                  /* P14: it is remembered */
       assert(db[i] != committed);
       branch[i] = gone; applied(i)
  :: else
  fi
}
#define OBEYED(sender, i) (link[i] == sender)                    /* P9 */
inline link_lost(i) {
  link[i] = 0; m_prepare[i] = false; m_commit[i] = 0; m_abort[i] = 0
}

proctype ToParticipant(byte i) {
end:
  do
  :: atomic { alive[i] && link[i] && m_prepare[i] ->
       KEEPS(m_prepare[i]);
       if
       :: OBEYED(1, i) && branch[i] == none ->
            assert(db[i] == running && !held[i]);               /* the work is done once */
            branch[i] = working; prepare_runs[i] = true
       :: OBEYED(1, i) && branch[i] == gone && db[i] != committed -> m_no[i] = true
       :: else
       fi }
  :: atomic { alive[i] && link[i] && m_commit[i] ->
       if
       :: OBEYED(m_commit[i], i) -> commit_arrives(i)
       :: else
       fi;
       if :: doubles > 0 -> doubles-- :: m_commit[i] = 0 fi }
  :: atomic { alive[i] && link[i] && m_abort[i] ->
       if
       :: OBEYED(m_abort[i], i) -> abort_arrives(i)
       :: else
       fi;
       if :: doubles > 0 -> doubles-- :: m_abort[i] = 0 fi }
  od
}

inline prepare_fails(i) {
  prepare_runs[i] = false;
  if
  :: alive[i] && branch[i] == working -> branch[i] = gone; m_no[i] = true
  :: alive[i] && branch[i] == dropping -> branch[i] = gone; applied(i)
  :: else
  fi
}
inline prepare_succeeds(i) {
  prepare_runs[i] = false; held[i] = true;
  if
  :: alive[i] && branch[i] == working ->
       branch[i] = prepared; promised[i] = true; m_yes[i] = true
  :: alive[i] && branch[i] == dropping -> branch[i] = to_abort   /* P18: no vote was given */
  :: else -> assert(!alive[i])                /* late, but before anybody lists it (P41) */
  fi
}
proctype Database(byte i) {
end:
  do
  :: atomic { prepare_runs[i] ->
       if
       :: prepare_succeeds(i)
       :: prepare_fails(i)
       fi }
  :: atomic { alive[i] && branch[i] == to_commit ->
       ends(i, committed); branch[i] = gone; applied(i) }
  :: atomic { alive[i] && branch[i] == to_abort ->
       ends(i, aborted); branch[i] = gone; applied(i) }
#ifdef MUTANT_ABORTS_ALONE
  :: atomic { alive[i] && branch[i] == prepared && !link[i] -> branch[i] = to_abort }
#endif
  od
}
proctype Asks(byte i) {                                          /* P33 */
end:
  do
  :: atomic { alive[i] && link[i] && branch[i] == prepared && !m_inquiry[i] -> m_inquiry[i] = true }
  od
}
proctype Links(byte i) {
end:
  do
  :: atomic { !alive[i] ->                                       /* P41 */
#ifndef MUTANT_LISTS_TOO_EARLY
       prepare_runs[i] = false;
#endif
       alive[i] = true;
       if
#ifndef MUTANT_LISTS_NOTHING
       :: held[i] -> branch[i] = prepared
#endif
       :: else -> branch[i] = none
       fi }
  :: atomic { alive[i] && !link[i] && up && !linked[i] && !m_ready[i] ->   /* P6 to P10 */
       assert(epoch >= seen[i]);
       seen[i] = epoch; link[i] = epoch;
       holds_told[i] = (branch[i] == prepared);
       m_ready[i] = true }
  :: atomic { alive[i] && link[i] && (!up || link[i] != epoch) ->  /* the link's end is noticed */
       link[i] = 0;
       if :: branch[i] == working -> branch[i] = dropping :: else fi }
  od
}
inline link_down(i) {
  linked[i] = false; m_ready[i] = false;
  if
  :: tx == preparing && !voted[i] -> abort()                     /* P21 */
  :: else
  fi
}
proctype LinkEnds(byte i) {
end:
  do
  :: atomic { up && (linked[i] || m_ready[i]) && link[i] != epoch -> link_down(i) }
  od
}

/* ---- faults ---- */
inline coordinator_crashes() {
  up = false; voted[0] = false; voted[1] = false; told[0] = false; told[1] = false;
  linked[0] = false; linked[1] = false; FORGET();
  m_ready[0] = false; m_ready[1] = false;
#if N > 2
  m_ready[2] = false;
#endif
  if                                                             /* what is not durable may be lost */
  :: commit_written && !commit_durable -> commit_written = false
  :: commit_written && !commit_durable -> commit_durable = true  /* and made durable again (R3) */
  :: else
  fi;
  if
  :: end_written -> end_written = false
  :: true
  fi
}
inline participant_crashes(i) {
  alive[i] = false; link_lost(i);
  if                                                             /* the reply is lost with it */
  :: branch[i] == to_commit && held[i] -> ends(i, committed)
  :: branch[i] == to_abort && held[i] -> ends(i, aborted)
  :: true
  fi;
  branch[i] = none
}
#ifdef PROGRESS
bool tock;
#endif
proctype Faults() {
  byte i;
end:
  do
#ifdef PROGRESS
  :: timeout -> tock = !tock     /* or a standstill would be no run for Spin to find */
#endif
  :: atomic { crashes > 0 && up -> crashes--; coordinator_crashes() }
  :: atomic { crashes > 0 -> select(i : 0 .. N - 1);
       if
       :: alive[i] -> crashes--; participant_crashes(i)
       :: else
       fi;
       i = 0 }
  :: atomic { losses > 0 -> select(i : 0 .. N - 1); losses--;
       if
       :: m_prepare[i] -> m_prepare[i] = false
       :: m_commit[i] -> m_commit[i] = 0
       :: m_abort[i] -> m_abort[i] = 0
       :: m_yes[i] -> m_yes[i] = false
       :: m_no[i] -> m_no[i] = false
       :: m_inquiry[i] -> m_inquiry[i] = false
       :: m_applied[i] -> m_applied[i] = false
       :: link[i] && alive[i] -> link_lost(i);                   /* the link breaks */
            if :: branch[i] == working -> branch[i] = dropping :: else fi
       :: else
       fi;
       i = 0 }
  od
}

init {
  byte i;
  d_step {
    for (i : 0 .. N - 1) {
      alive[i] = true; branch[i] = none; db[i] = running;
      link[i] = 1; seen[i] = 1; linked[i] = true; m_prepare[i] = true
    }
    i = 0
  }
  atomic {
    run Coordinator(); run Faults();
    for (i : 0 .. N - 1) {
      run FromParticipant(i); run Inquiries(i); run ToParticipant(i); run Database(i);
      run Asks(i); run Links(i); run LinkEnds(i)
    }
  }
}

/* I10: faults are few, so they end; then every branch does, and the transaction with it. */
#define QUIET(i) (alive[i] && !held[i] && !prepare_runs[i])
#if N > 2
#define SETTLED (up && QUIET(0) && QUIET(1) && QUIET(2) && (tx == ended || tx == unknown))
#else
#define SETTLED (up && QUIET(0) && QUIET(1) && (tx == ended || tx == unknown))
#endif
#ifdef PROGRESS
ltl comes_to_rest { <> [] SETTLED }
#endif
