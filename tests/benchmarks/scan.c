/* The floor of the agent question: step over the needed columns with SQLite's C library; prints the seconds it took.
   Declared by hand, so that SQLite's library is enough, without its header. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
int sqlite3_open_v2(const char *, sqlite3 **, int, const char *);
int sqlite3_prepare_v2(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);
int sqlite3_step(sqlite3_stmt *);
int sqlite3_column_count(sqlite3_stmt *);
int sqlite3_column_type(sqlite3_stmt *, int);
double sqlite3_column_double(sqlite3_stmt *, int);
const unsigned char *sqlite3_column_blob(sqlite3_stmt *, int);
long long sqlite3_column_int64(sqlite3_stmt *, int);

static const char *path;
static int threads;
static const char *tables[3] = {"prompt_versions", "judge_scores", "best_heads"};
static const char *columns[3] = {
    "id, prompt_id, source",
    "prompt_version_id, clarity, specificity, actionability, structure, context_use",
    "prompt_id, prompt_version_id",
};

static long long scan(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  long long seen = 0;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, 0)) exit(1);
  int n = sqlite3_column_count(statement);
  while (sqlite3_step(statement) == 100)
    for (int i = 0; i < n; i++) {
      if (sqlite3_column_type(statement, i) == 2) seen += (long long)sqlite3_column_double(statement, i);
      else if (sqlite3_column_type(statement, i) == 3) seen += sqlite3_column_blob(statement, i)[0];
      else seen += sqlite3_column_int64(statement, i);
    }
  return seen;
}

static void *share(void *argument) {
  long part = (long)argument;
  sqlite3 *db;
  char sql[300];
  if (sqlite3_open_v2(path, &db, 1, 0)) exit(1);
  for (int t = 0; t < 3; t++) {
    snprintf(sql, sizeof sql, "SELECT max(rowid) FROM %s", tables[t]);
    long long rows = scan(db, sql);
    snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE rowid > %lld AND rowid <= %lld", columns[t], tables[t],
             rows * part / threads, rows * (part + 1) / threads);
    scan(db, sql);
  }
  return 0;
}

int main(int argc, char **argv) {
  struct timespec from, to;
  pthread_t all[8];
  path = argv[1];
  threads = argc > 2 ? atoi(argv[2]) : 1;
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (long i = 0; i < threads; i++) pthread_create(&all[i], 0, share, (void *)i);
  for (long i = 0; i < threads; i++) pthread_join(all[i], 0);
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("%.6f\n", (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 1e9);
  return 0;
}
