# Environment of an installation, for interactive shells and scripts: copy it to the root of the installation, and
#   source /opt/dibas/dibas.bash
# What is set already stays. To be read by bash; may be read twice.

if [ -z "${DIBAS_DIR:-}" ]; then
    DIBAS_DIR="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
fi
export DIBAS_DIR
export DIBAS_DATA="${DIBAS_DATA:-/tmp}"

# Where programs may be: of the installation, of its Python environment, its data-taking programs.
for _dibas in "$DIBAS_DIR/exec/x86_64-linux" "$DIBAS_DIR/venv/bin" "$DIBAS_DIR/bin/x86_64-linux" "$DIBAS_DIR/bin"; do
    case ":$PATH:" in
        *":$_dibas:"*) ;;
        *) [ -d "$_dibas" ] && PATH="$_dibas:$PATH" ;;
    esac
done
unset _dibas
export PATH

# Completion of commands, with the Banks of the configuration and their methods.
if [[ $- == *i* ]] && command -v dealer > /dev/null; then
    eval "$(dealer completion bash)"
fi
