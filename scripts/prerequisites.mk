# SPDX-License-Identifier: PostgreSQL
# Stops a build that cannot succeed with the name of the Debian package that is missing. Read by the
# Makefile before PGXS. Goals that compile nothing are not held up by a missing compiler's library.

ifneq ($(filter-out clean distclean maintainer-clean uninstall uninstall-package,$(or $(MAKECMDGOALS),all)),)

pg_config_path := $(shell command -v $(PG_CONFIG) 2>/dev/null)
ifeq ($(pg_config_path),)
$(error $(PG_CONFIG) not found. Install the server headers: apt-get install postgresql-server-dev-15, or name another server: make PG_CONFIG=/path/to/pg_config)
endif

pg_major := $(shell $(PG_CONFIG) --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
pg_server_headers := $(shell $(PG_CONFIG) --includedir-server)
ifeq ($(wildcard $(pg_server_headers)/postgres.h),)
$(error PostgreSQL $(pg_major) server headers not found in $(pg_server_headers): apt-get install postgresql-server-dev-$(pg_major))
endif
ifeq ($(wildcard $(shell $(PG_CONFIG) --pgxs)),)
$(error PGXS of PostgreSQL $(pg_major) not found: apt-get install postgresql-server-dev-$(pg_major))
endif

# Asks the compiler itself, so that its own search path and CPPFLAGS count.
compiles = $(shell printf '$(1)\n' | $(or $(CXX),g++) $(CPPFLAGS) $(PG_CPPFLAGS) -std=c++20 -fsyntax-only -x c++ - >/dev/null 2>&1 && echo yes)
hash := \#

ifeq ($(shell command -v $(firstword $(or $(CXX),g++)) 2>/dev/null),)
$(error The C++ compiler $(or $(CXX),g++) was not found: apt-get install g++)
endif
ifneq ($(call compiles,int main(){}),yes)
$(error The C++ compiler $(or $(CXX),g++) does not compile C++20: apt-get install g++ (12 or newer))
endif
ifneq ($(call compiles,$(hash)include <boost/version.hpp>\n$(hash)if BOOST_VERSION < 108100\n$(hash)error\n$(hash)endif),yes)
$(error Boost headers, 1.81 or newer, not found: apt-get install libboost1.81-dev)
endif
ifneq ($(call compiles,$(hash)include <openssl/evp.h>),yes)
$(error OpenSSL headers not found: apt-get install libssl-dev)
endif

else ifeq ($(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null)),)

# Cleaning works without a server too.
clean distclean maintainer-clean:
	rm -f $(OBJS) $(MODULE_big).so $(EXTRA_CLEAN)

endif
