/* SPDX-License-Identifier: Apache-2.0 */
/* tls-stream.c: the GIOStream on a wire (see tls-wire.h), as GIO's streams have classes.
 * Runs where the wire does; a stream holds a reference of its wire. */
#include "tls-wire.h"

typedef struct {
  GInputStream parent;
  NetWire *wire;
} Input;

typedef struct {
  GOutputStream parent;
  NetWire *wire;
} Output;

static gssize
input_read (GInputStream *stream, gpointer buffer, gsize size, G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
  return net_wire_blocking_read (((Input *) stream)->wire, buffer, size, error);
}

static gssize
input_read_now (GPollableInputStream *stream, gpointer buffer, gsize size, GError **error)
{
  return net_wire_read (((Input *) stream)->wire, buffer, size, error);
}

static gssize
output_write (GOutputStream *stream, gconstpointer bytes, gsize size, G_GNUC_UNUSED GCancellable *cancellable,
              GError **error)
{
  return net_wire_blocking_write (((Output *) stream)->wire, bytes, size, error);
}

static gssize
output_write_now (GPollableOutputStream *stream, gconstpointer bytes, gsize size, GError **error)
{
  return net_wire_write (((Output *) stream)->wire, bytes, size, error);
}

static void
finalize_parent (GObject *object)
{
  G_OBJECT_CLASS (g_type_class_peek_parent (G_OBJECT_GET_CLASS (object)))->finalize (object);
}

static void
input_finalize (GObject *object)
{
  net_wire_unref (((Input *) object)->wire);
  finalize_parent (object);
}

static void
output_finalize (GObject *object)
{
  net_wire_unref (((Output *) object)->wire);
  finalize_parent (object);
}

static void
input_class_init (gpointer class, G_GNUC_UNUSED gpointer data)
{
  G_OBJECT_CLASS (class)->finalize = input_finalize;
  G_INPUT_STREAM_CLASS (class)->read_fn = input_read;
}

static void
output_class_init (gpointer class, G_GNUC_UNUSED gpointer data)
{
  G_OBJECT_CLASS (class)->finalize = output_finalize;
  G_OUTPUT_STREAM_CLASS (class)->write_fn = output_write;
}

static void
input_pollable_init (gpointer interface, G_GNUC_UNUSED gpointer data)
{
  ((GPollableInputStreamInterface *) interface)->read_nonblocking = input_read_now;
}

static void
output_pollable_init (gpointer interface, G_GNUC_UNUSED gpointer data)
{
  ((GPollableOutputStreamInterface *) interface)->write_nonblocking = output_write_now;
}

/* Named by its address, as each plugin that has this file in it has a class of its own. */
static GType
register_type (const char *what, GType parent, GClassInitFunc class_init, guint16 class_size, guint16 size,
               GType interface, GInterfaceInitFunc interface_init)
{
  g_autofree char *name = g_strdup_printf ("NetWire%s-%" G_GSIZE_MODIFIER "x", what, (gsize) class_init);
  GTypeInfo info = { .class_size = class_size, .class_init = class_init, .instance_size = size };
  GInterfaceInfo interface_info = { .interface_init = interface_init };
  GType type = g_type_register_static (parent, name, &info, 0);
  g_type_add_interface_static (type, interface, &interface_info);
  return type;
}

static GType
input_type (void)
{
  static gsize type;
  if (g_once_init_enter (&type)) {
    g_once_init_leave (&type, register_type ("Input", G_TYPE_INPUT_STREAM, input_class_init, sizeof (GInputStreamClass),
                                             sizeof (Input), G_TYPE_POLLABLE_INPUT_STREAM, input_pollable_init));
  }
  return type;
}

static GType
output_type (void)
{
  static gsize type;
  if (g_once_init_enter (&type)) {
    g_once_init_leave (&type,
                       register_type ("Output", G_TYPE_OUTPUT_STREAM, output_class_init, sizeof (GOutputStreamClass),
                                      sizeof (Output), G_TYPE_POLLABLE_OUTPUT_STREAM, output_pollable_init));
  }
  return type;
}

GIOStream *
net_wire_stream (NetWire *wire)
{
  g_autoptr (GInputStream) input = g_object_new (input_type (), NULL);
  g_autoptr (GOutputStream) output = g_object_new (output_type (), NULL);
  ((Input *) input)->wire = net_wire_ref (wire);
  ((Output *) output)->wire = net_wire_ref (wire);
  return g_simple_io_stream_new (input, output);
}
