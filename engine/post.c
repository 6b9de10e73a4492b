/* SPDX-License-Identifier: Apache-2.0 */
/* post.c: records and calls handed in by a plugin's own threads (weir_stage_post(), weir_stage_invoke()).
 * Helper threads append under the lock and wait on its condition while the stage is paused or the queue is at its bound; the
 * stage's worker empties it in its turn, never calling out with the lock held. */
#include "stage.h"

#include <string.h>

#define POSTS 64     /* records that may wait */
#define INVOKES 1024 /* calls that may wait */

typedef struct {
  WeirFunc func; /* NULL: a record */
  gpointer data;
  GDestroyNotify destroy;
  WeirRecord record; /* one reference to its buffer and its context */
  gboolean under;    /* an origin with this token: */
  gpointer token;
} Post;

struct _WeirPosts {
  GMutex lock;
  GCond cond;
  GQueue posts, invokes; /* of Post */
  _Atomic guint32 any;
};

/* How far the stage is: said before whoever waits is woken, and looked at under the lock. */
enum { OPEN = 1 /* for records */, CLOSED = 2 /* for records */, OVER = 4 /* for calls too */ };

static guint32
phase (WeirStage *stage)
{
  return weir_load_acquire (&stage->post_phase);
}

/* Made by the first who hands something in. Any thread. */
static WeirPosts *
get_posts (WeirStage *stage)
{
  WeirPosts *posts = weir_load_acquire (&stage->posts);
  if (posts != NULL) {
    return posts;
  }
  WeirPosts *made = g_new0 (WeirPosts, 1);
  g_mutex_init (&made->lock);
  g_cond_init (&made->cond);
  if (atomic_compare_exchange_strong_explicit (&stage->posts, &posts, made, memory_order_seq_cst,
                                               memory_order_acquire)) {
    return made;
  }
  g_mutex_clear (&made->lock);
  g_cond_clear (&made->cond);
  g_free (made);
  return posts;
}

/* The phase is stored before, and whoever makes the posts reads it after. */
static WeirPosts *
posts_to_tell (WeirStage *stage, guint32 reached)
{
  atomic_fetch_or_explicit (&stage->post_phase, reached, memory_order_seq_cst);
  weir_fence (&stage->post_phase);
  return weir_load_acquire (&stage->posts);
}

void
weir_posts_look_again (WeirStage *stage)
{
  WeirPosts *posts = weir_load_acquire (&stage->posts);
  if (posts != NULL) {
    g_mutex_lock (&posts->lock);
    g_cond_broadcast (&posts->cond);
    g_mutex_unlock (&posts->lock);
  }
}

void
weir_posts_open (WeirStage *stage)
{
  if (posts_to_tell (stage, OPEN) != NULL) {
    weir_posts_look_again (stage);
  }
}

static void
free_post (Post *post)
{
  if (post->func != NULL) {
    if (post->destroy != NULL) {
      post->destroy (post->data);
    }
  } else {
    weir_buffer_unref (post->record.buffer);
    g_clear_pointer (&post->record.context, weir_context_unref);
  }
  g_free (post);
}

/* On the worker: a record that was taken from its thread and will not be emitted. */
static void
refuse (WeirStage *stage, const Post *post)
{
  if (post->func == NULL && post->under) {
    weir_origins_refuse_post (stage, post->token);
  }
}

static void
free_all (GQueue *queue)
{
  for (Post *post; (post = g_queue_pop_head (queue)) != NULL;) {
    free_post (post);
  }
}

static void
close_queues (WeirStage *stage, gboolean calls_too)
{
  WeirPosts *posts = posts_to_tell (stage, calls_too ? CLOSED | OVER : CLOSED);
  if (posts == NULL) {
    return;
  }
  GQueue left = G_QUEUE_INIT;
  g_mutex_lock (&posts->lock);
  guint refused = posts->posts.length;
  for (Post *post; (post = g_queue_pop_head (&posts->posts)) != NULL;) {
    g_queue_push_tail (&left, post);
  }
  for (Post *post; calls_too && (post = g_queue_pop_head (&posts->invokes)) != NULL;) {
    g_queue_push_tail (&left, post);
  }
  g_cond_broadcast (&posts->cond);
  g_mutex_unlock (&posts->lock);
  /* Records that were taken from their threads but not emitted: refused, and counted. */
  weir_add_relaxed (&stage->refused, refused);
  for (GList *at = left.head; at != NULL; at = at->next) {
    refuse (stage, at->data);
  }
  const char *outer = weir_load_relaxed (&stage->worker->callback);
  weir_stage_enter (stage, WEIR_IN_CALL);
  free_all (&left);
  weir_stage_enter (stage, outer);
}

void
weir_posts_close (WeirStage *stage)
{
  close_queues (stage, FALSE);
}

gboolean
weir_posts_finish (WeirStage *stage)
{
  WeirPosts *posts = posts_to_tell (stage, CLOSED);
  if (posts == NULL) {
    return FALSE;
  }
  g_mutex_lock (&posts->lock);
  guint left = posts->posts.length;
  g_cond_broadcast (&posts->cond);
  g_mutex_unlock (&posts->lock);
  return left > 0;
}

void
weir_posts_end (WeirStage *stage)
{
  close_queues (stage, TRUE);
}

void
weir_posts_renew (WeirStage *stage)
{
  weir_store_release (&stage->post_phase, 0);
}

void
weir_posts_free (WeirStage *stage)
{
  WeirPosts *posts = weir_load_acquire (&stage->posts);
  if (posts == NULL) {
    return;
  }
  free_all (&posts->posts);
  free_all (&posts->invokes);
  g_mutex_clear (&posts->lock);
  g_cond_clear (&posts->cond);
  g_free (posts);
}

static Post *
pop (WeirStage *stage, WeirPosts *posts)
{
  g_mutex_lock (&posts->lock);
  Post *post = g_queue_pop_head (&posts->invokes);
  if (post == NULL && !weir_stage_paused (stage) && stage->life >= WEIR_LIFE_RUNNING) {
    post = g_queue_pop_head (&posts->posts);
  }
  if (posts->posts.length == 0 && posts->invokes.length == 0) {
    weir_store_relaxed (&posts->any, 0);
  }
  g_cond_broadcast (&posts->cond);
  g_mutex_unlock (&posts->lock);
  return post;
}

gboolean
weir_posts_run (WeirStage *stage)
{
  WeirPosts *posts = weir_load_acquire (&stage->posts);
  if (posts == NULL || weir_load_acquire (&posts->any) == 0) {
    return FALSE;
  }
  for (guint i = 0; i < POSTS; i++) {
    Post *post = pop (stage, posts);
    if (post == NULL) {
      return FALSE;
    }
    if (post->func != NULL) {
      weir_stage_enter (stage, WEIR_IN_CALL);
      post->func (stage, stage->self, post->data);
      weir_stage_leave (stage);
    } else {
      /* A slice is made anew: behind a role flagged BYTES it is a chunk. */
      stage->refusing = stage->refusing && !stage->finish_posted;
      weir_origins_begin_post (stage, post->under, post->token);
      weir_emit_slice (stage, &post->record, 0, post->record.size, 0);
      weir_origins_end_post (stage);
    }
    free_post (post);
    if (stage->finish_posted) {
      weir_life_finish_output (stage); /* behind the last of them */
    }
    if (stage->failed || stage->finishing) {
      return FALSE;
    }
  }
  return TRUE;
}

void
weir_stage_invoke (WeirStage *stage, WeirFunc func, gpointer data, GDestroyNotify destroy)
{
  WeirPosts *posts = get_posts (stage);
  Post *post = g_new0 (Post, 1);
  *post = (Post){ .func = func, .data = data, .destroy = destroy };
  g_mutex_lock (&posts->lock);
  while (posts->invokes.length >= INVOKES && (phase (stage) & OVER) == 0) {
    g_cond_wait (&posts->cond, &posts->lock);
  }
  gboolean over = (phase (stage) & OVER) != 0;
  if (!over) {
    g_queue_push_tail (&posts->invokes, post);
    weir_store_release (&posts->any, 1);
  }
  g_mutex_unlock (&posts->lock);
  if (over) {
    free_post (post);
    return;
  }
  weir_task_make_ready (&stage->task);
}

static gboolean
post_record (WeirStage *stage, const WeirRecord *record, gboolean under, gpointer token)
{
  WeirPosts *posts = get_posts (stage);
  Post *post = g_new0 (Post, 1);
  *post = (Post){ .record = *record, .under = under, .token = token };
  g_mutex_lock (&posts->lock);
  while ((phase (stage) & CLOSED) == 0 &&
         ((phase (stage) & OPEN) == 0 || posts->posts.length >= POSTS || weir_stage_paused (stage))) {
    g_cond_wait (&posts->cond, &posts->lock);
  }
  gboolean taken = (phase (stage) & CLOSED) == 0;
  if (taken) {
    g_queue_push_tail (&posts->posts, post);
    weir_store_release (&posts->any, 1);
  }
  g_mutex_unlock (&posts->lock);
  if (!taken) {
    free_post (post);
    return FALSE;
  }
  weir_task_make_ready (&stage->task);
  return TRUE;
}

gboolean
weir_stage_post (WeirStage *stage, gconstpointer data, gsize size)
{
  gpointer copy = g_memdup2 (data, size);
  WeirRecord record = { .data = copy != NULL ? copy : (gpointer) "",
                        .size = size,
                        .buffer = weir_buffer_wrap (copy, size, g_free, copy) };
  return post_record (stage, &record, FALSE, NULL);
}

static WeirRecord
record_of (WeirBuffer *buffer, gconstpointer data, gsize size, gint64 time, const WeirTags *tags)
{
  return (WeirRecord){ .data = data,
                       .size = size,
                       .buffer = buffer,
                       .time = time,
                       .context = tags != NULL ? weir_context_new (weir_tags_ref ((WeirTags *) tags)) : NULL };
}

gboolean
weir_stage_post_buffer (WeirStage *stage, WeirBuffer *buffer, gconstpointer data, gsize size, gint64 time,
                        const WeirTags *tags)
{
  WeirRecord record = record_of (buffer, data, size, time, tags);
  return post_record (stage, &record, FALSE, NULL);
}

gboolean
weir_stage_post_origin (WeirStage *stage, WeirBuffer *buffer, gconstpointer data, gsize size, gint64 time,
                        const WeirTags *tags, gpointer token)
{
  WeirRecord record = record_of (buffer, data, size, time, tags);
  return post_record (stage, &record, stage->role->delivered != NULL, token);
}
