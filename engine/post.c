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
} Post;

struct _WeirPosts {
  GMutex lock;
  GCond cond;
  GQueue posts, invokes; /* of Post */
  gboolean open, closed; /* for records */
  gboolean over;         /* for calls too */
  _Atomic guint32 any;
};

WeirPosts *
weir_posts_new (void)
{
  WeirPosts *posts = g_new0 (WeirPosts, 1);
  g_mutex_init (&posts->lock);
  g_cond_init (&posts->cond);
  return posts;
}

void
weir_posts_open (WeirStage *stage)
{
  g_mutex_lock (&stage->posts->lock);
  stage->posts->open = TRUE;
  g_cond_broadcast (&stage->posts->cond);
  g_mutex_unlock (&stage->posts->lock);
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
  WeirPosts *posts = stage->posts;
  GQueue left = G_QUEUE_INIT;
  g_mutex_lock (&posts->lock);
  posts->open = FALSE;
  posts->closed = TRUE;
  posts->over = posts->over || calls_too;
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
  const char *outer = stage->worker->callback;
  weir_stage_enter (stage, WEIR_IN_CALL);
  free_all (&left);
  weir_stage_enter (stage, outer);
}

void
weir_posts_close (WeirStage *stage)
{
  close_queues (stage, FALSE);
}

void
weir_posts_end (WeirStage *stage)
{
  close_queues (stage, TRUE);
}

void
weir_posts_free (WeirStage *stage)
{
  free_all (&stage->posts->posts);
  free_all (&stage->posts->invokes);
  g_mutex_clear (&stage->posts->lock);
  g_cond_clear (&stage->posts->cond);
  g_clear_pointer (&stage->posts, g_free);
}

static Post *
pop (WeirStage *stage)
{
  WeirPosts *posts = stage->posts;
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
  if (weir_load_acquire (&stage->posts->any) == 0) {
    return FALSE;
  }
  for (guint i = 0; i < POSTS; i++) {
    Post *post = pop (stage);
    if (post == NULL) {
      return FALSE;
    }
    if (post->func != NULL) {
      weir_stage_enter (stage, WEIR_IN_CALL);
      post->func (stage, stage->self, post->data);
      weir_stage_leave (stage);
    } else {
      /* A slice is made anew: behind a role flagged BYTES it is a chunk. */
      weir_emit_slice (stage, &post->record, 0, post->record.size, 0);
    }
    free_post (post);
    if (stage->failed || stage->finishing) {
      return FALSE;
    }
  }
  return TRUE;
}

void
weir_stage_invoke (WeirStage *stage, WeirFunc func, gpointer data, GDestroyNotify destroy)
{
  WeirPosts *posts = stage->posts;
  Post *post = g_new0 (Post, 1);
  *post = (Post){ .func = func, .data = data, .destroy = destroy };
  g_mutex_lock (&posts->lock);
  while (posts->invokes.length >= INVOKES && !posts->over) {
    g_cond_wait (&posts->cond, &posts->lock);
  }
  gboolean over = posts->over;
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
post_record (WeirStage *stage, const WeirRecord *record)
{
  WeirPosts *posts = stage->posts;
  Post *post = g_new0 (Post, 1);
  post->record = *record;
  g_mutex_lock (&posts->lock);
  while (!posts->closed && (!posts->open || posts->posts.length >= POSTS || weir_stage_paused (stage))) {
    g_cond_wait (&posts->cond, &posts->lock);
  }
  gboolean taken = !posts->closed;
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
  return post_record (stage, &record);
}

gboolean
weir_stage_post_buffer (WeirStage *stage, WeirBuffer *buffer, gconstpointer data, gsize size, gint64 time,
                        const WeirTags *tags)
{
  WeirRecord record = { .data = data, .size = size, .buffer = buffer, .time = time };
  record.context = tags != NULL ? weir_context_new (weir_tags_ref ((WeirTags *) tags)) : NULL;
  return post_record (stage, &record);
}

void
weir_posts_look_again (WeirStage *stage)
{
  g_mutex_lock (&stage->posts->lock);
  g_cond_broadcast (&stage->posts->cond);
  g_mutex_unlock (&stage->posts->lock);
}
