// The fields of every struct that has a text form, for text.cpp alone. A struct that gains, loses
// or renames a field must do so here as well: it does not compile otherwise.
#pragma once

// RECORD(Type, field …)   a struct
// EMPTY(Type)             a struct without fields
// MACHINE(Type, field …)  a class written over several lines
#define ASSENT_TEXT_FIELDS(RECORD, EMPTY, MACHINE)                                                 \
  RECORD(Failure, problem, participant, statement, message, sqlstate, detail, hint, schema, table, \
         column, constraint, position)                                                             \
  /* messages.hpp */                                                                               \
  RECORD(Mark, ledger, epoch, life, sequence)                                                      \
  RECORD(HeldBranch, gid, xid, peers)                                                              \
  RECORD(Hello, participant, server, marks, next_xid)                                              \
  RECORD(Welcome, ledger, epoch, life)                                                             \
  RECORD(Ready, mark, server, held)                                                                \
  RECORD(Execute, gid, seq, work, time_left)                                                       \
  RECORD(Prepare, gid, work, peers, time_left, ask)                                                \
  RECORD(Commit, gid, sequence, xid, server)                                                       \
  RECORD(Abort, gid, xid, server, external)                                                        \
  RECORD(Ask, gid)                                                                                 \
  RECORD(Executed, gid, seq, result)                                                               \
  RECORD(Vote, gid, verdict, xid, server, results, failure, ask)                                   \
  RECORD(Applied, gid, outcome, application, durable_mark, locks_held_us)                          \
  RECORD(Inquiry, gid, peers)                                                                      \
  RECORD(Evidence, gid, knowledge, sequence)                                                       \
  /* records.hpp */                                                                                \
  RECORD(RequestKey, key, body, first_sent_ms)                                                     \
  RECORD(Place, machine_id, device, inode)                                                         \
  RECORD(EpochRecord, epoch, life, place, wall_ms, sequence, careful_below, contradicted_below,    \
         forgotten_wall_ms, forgotten_key_ms)                                                      \
  RECORD(MemberRecord, participant, server, rewound_below, witness_after)                          \
  RECORD(DecidedBranch, participant, xid, server)                                                  \
  RECORD(CommitRecord, tx, epoch, sequence, branches, key, labels, wall_ms)                        \
  RECORD(EndRecord::ParticipantMark, participant, sequence)                                        \
  RECORD(EndRecord, tx, sequence, marks)                                                           \
  RECORD(HeuristicRecord, tx, participant, decided, application, wall_ms)                          \
  RECORD(ResolutionRecord, tx, epoch, outcome, sequence, branches, unheard, by, reason, wall_ms)   \
  RECORD(AcknowledgementRecord, tx, participants, by, reason, wall_ms)                             \
  RECORD(Recovered, ledger, records, tail, same_place, restored)                                   \
  /* participant_machine.hpp */                                                                    \
  RECORD(RunWork, gid, seq, work, time_left)                                                       \
  RECORD(WorkDone, gid, seq, result)                                                               \
  RECORD(PrepareBranch, gid, work, time_left)                                                      \
  RECORD(PrepareDone::Yes, xid, results)                                                           \
  RECORD(PrepareDone::ReadOnly, results)                                                           \
  RECORD(PrepareDone::No, failure)                                                                 \
  RECORD(PrepareDone::Refused, xid, failure)                                                       \
  EMPTY(PrepareDone::Lost)                                                                         \
  RECORD(PrepareDone, gid, result)                                                                 \
  RECORD(SettleLost, gid)                                                                          \
  RECORD(Settled, gid, xid)                                                                        \
  RECORD(DropOpen, gid)                                                                            \
  RECORD(Dropped, gid)                                                                             \
  RECORD(CancelPrepare, gid)                                                                       \
  RECORD(FinishPrepared, gid, outcome, sequence, xid)                                              \
  RECORD(FinishDone, gid, outcome, result, message)                                                \
  RECORD(ReadStatus, gid, xid, server)                                                             \
  RECORD(StatusRead, gid, status)                                                                  \
  EMPTY(ListPrepared)                                                                              \
  RECORD(ListDone, held, told)                                                                     \
  RECORD(ListFailed, message)                                                                      \
  RECORD(RaiseMark, mark)                                                                          \
  RECORD(MarkRaised, mark)                                                                         \
  RECORD(MarkFailed, ledger, message)                                                              \
  RECORD(JournalLine, gid, outcome, application, sequence)                                         \
  RECORD(WriteJournal, batch, lines, up_to)                                                        \
  RECORD(JournalWritten, batch, ok)                                                                \
  RECORD(ReadJournal, gid)                                                                         \
  RECORD(JournalRead, gid, knowledge, sequence, available, application, told, xid)                 \
  RECORD(VerifyPrepared, gid, ask, peers)                                                          \
  RECORD(Verified, gid, ask, peers, result)                                                        \
  RECORD(ToldCommit, gid, sequence, xid)                                                           \
  RECORD(DatabaseUp, server, marks, held, next_xid, told)                                          \
  RECORD(DatabaseDown, reason)                                                                     \
  EMPTY(LinkOpened)                                                                                \
  EMPTY(LinkClosed)                                                                                \
  RECORD(FromCoordinator, message)                                                                 \
  EMPTY(ParticipantTick)                                                                           \
  RECORD(SendToCoordinator, message)                                                               \
  RECORD(CloseLink, reason)                                                                        \
  RECORD(Alarm, gid, text)                                                                         \
  RECORD(Branch, state, gid, peers, xid, server, seq, busy, unwanted, missing, decided, sequence,  \
         decided_xid, voted_xid, voted_server, since, retry_at, attempts, journalled_before,       \
         trouble)                                                                                  \
  RECORD(EndedBranch, gid, knowledge, application, sequence, xid)                                  \
  RECORD(ParticipantLimits, open_branches, ended_kept, inquiry_interval, sweep_interval,           \
         retry_first, retry_longest, journal_interval, journal_batch)                              \
  MACHINE(ParticipantMachine, name_, limits_, link_, coordinator_, database_up_, server_, marks_,  \
          next_xid_, branches_, ended_, ended_index_, ended_first_, timers_, listing_,             \
          listing_at_, ended_while_listing_, sweep_at_, journal_, journal_flying_, up_to_,         \
          up_to_flying_, writing_, journal_batch_, journal_at_, journalled_, durable_)             \
  /* coordinator_machine.hpp */                                                                    \
  RECORD(BranchWork, participant, work)                                                            \
  RECORD(Begin, request, tx, mode, branches, timeout, idle_timeout, wait_for, key, labels,         \
         refusal)                                                                                  \
  RECORD(ExecuteAsked, request, tx, participant, seq, work)                                        \
  RECORD(CommitAsked, request, tx, wait_for)                                                       \
  RECORD(RollbackAsked, request, tx)                                                               \
  RECORD(ResolveAsked, request, tx, outcome, by, reason, seen)                                     \
  RECORD(AcknowledgeAsked, request, tx, by, reason)                                                \
  RECORD(LinkUp, hello)                                                                            \
  RECORD(LinkDown, participant)                                                                    \
  RECORD(FromParticipant, participant, message)                                                    \
  RECORD(Logged, up_to)                                                                            \
  RECORD(LogRefused, record)                                                                       \
  EMPTY(Drain)                                                                                     \
  RECORD(LimitsChanged, open_transactions, participant_branches)                                   \
  EMPTY(CoordinatorTick)                                                                           \
  RECORD(Send, participant, message)                                                               \
  RECORD(Log, number, record)                                                                      \
  RECORD(Reply, request, tx, failure, fate)                                                        \
  RECORD(Disconnect, participant, reason)                                                          \
  RECORD(Stop, reason)                                                                             \
  RECORD(TxBranch, participant, phase, xid, server, results, resend_at)                            \
  RECORD(Waiter, request, wait_for)                                                                \
  RECORD(Conversation, last_seq, last_participant, running, last_answer, waiting, idle_at,         \
         idle_timeout)                                                                             \
  RECORD(Transaction, tx, epoch, mode, state, branches, conversation, waiters, failure, asks,      \
         missing, key, labels, sequence, record, replayed, begun_wall_ms, decided_wall_ms,         \
         ended_wall_ms, begun_at, deadline, answer_at, timer_at, resolution, acknowledgements)     \
  RECORD(Resolution, outcome, by, reason, wall_ms, unheard)                                        \
  RECORD(Acknowledgement, participants, by, reason, wall_ms)                                       \
  RECORD(EffectOnBranch, participant, known, effect)                                               \
  RECORD(ResolutionPreview, refusal, fate, records, why, branches)                                 \
  RECORD(PendingResolution, number, record, requests)                                              \
  RECORD(PendingAcknowledgement, record, requests)                                                 \
  RECORD(Member, state, server, recorded, record, mark, durable_mark, rewound_below,               \
         witness_after, unanswered, refused_until, highest_xid, held)                              \
  RECORD(Doubt, gid, peers, evidence, askers, held, why, ask_at, pending)                          \
  RECORD(CoordinatorLimits, open_transactions, participant_branches, unanswered, unanswered_pause, \
         branches, waiters, finished_kept, finished_kept_for, apply_wait, resend_interval,         \
         outcome_retention)                                                                        \
  MACHINE(CoordinatorMachine, limits_, ledger_, epoch_, life_, epochs_, draining_, stopped_,       \
          sequence_, forgotten_wall_ms_, forgotten_key_ms_, last_record_, durable_record_,         \
          transactions_, unfinished_, branches_, keys_, deciding_, finished_, timers_, members_,   \
          epoch_corrected_, epoch_record_, doubts_, unlogged_damage_, refused_damage_, relog_at_,  \
          resolving_, acknowledging_)
