# SPDX-License-Identifier: MIT
# A job whose tasks drain before they stop.
#
#   nomad job run web.nomad.hcl
#
# Nomad takes a task out of its service catalogue first, waits shutdown_delay, sends kill_signal,
# waits kill_timeout and kills.
job "web" {
  type = "service"

  update {
    max_parallel     = 1
    canary           = 1
    auto_promote     = true
    auto_revert      = true
    health_check     = "checks"
    min_healthy_time = "5s"
  }

  group "web" {
    count = 2

    network {
      port "http" { to = 8080 }
    }

    service {
      provider = "nomad"
      name     = "web"
      port     = "http"

      # Nomad's own check, from outside. `usher probe` in a script check sees what this cannot, but a
      # script check needs Consul; it is at the end of this file.
      check {
        type     = "http"
        path     = "/healthz"
        interval = "5s"
        timeout  = "4s"
      }
    }

    task "web" {
      driver = "docker"
      user   = "65532:65532"

      # One of the two is enough: shutdown_delay = "10s" is Nomad's own pre-stop.
      env {
        PORT           = "8080"
        USHER_PRE_STOP = "10s"
        USHER_GRACE    = "15s"
      }

      kill_signal  = "SIGTERM" # one of usher's --stop-signal
      kill_timeout = "30s"     # more than pre-stop + grace + linger; 5s unless set

      config {
        image           = "usher-example:0.1.0" # yours, by digest
        ports           = ["http"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
        pids_limit      = 16
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }
  }
}

# With provider = "consul" (the default) usher itself can be asked, in the container:
#
#      check {
#        type     = "script"
#        task     = "web"
#        command  = "/usher"
#        args     = ["probe", "ready:", ":8080/healthz"]
#        interval = "5s"
#        timeout  = "5s" # more than usher's own 3 s
#      }
