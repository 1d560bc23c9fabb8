net_SRCS := $(sort $(wildcard net/*/*.c))
NET_LIBS := -lcurl $(FORMATS_LIBS)
