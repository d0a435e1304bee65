# Installs a unit of systemd: install_unit(TEMPLATE PROGRAMS FILE) writes TEMPLATE to FILE, its programs of
# /usr/local/bin those in PROGRAMS. Words are as systemd.service(5) has them (COMMAND LINES): a path that has more than
# letters, digits and such stands in quotes, and of its % there are two. A $ is one in the program's name.
function(install_unit template programs file)
    file(READ "${template}" text)
    string(REGEX MATCH "/usr/local/bin/([a-z-]+)" word "${text}")
    set(program "${programs}/${CMAKE_MATCH_1}")
    if(program MATCHES "[\"'\\\\]")
        message(WARNING "systemd starts no program with quotes or backslashes in its path: ${file} is of no use")
    endif()
    if(program MATCHES "[^A-Za-z0-9_./+-]")
        string(REPLACE "%" "%%" program "${program}")
        string(REGEX REPLACE "([\"\\\\])" "\\\\\\1" program "${program}")
        set(program "\"${program}\"")
    endif()
    string(REPLACE "${word}" "${program}" text "${text}")
    file(WRITE "${file}" "${text}")
endfunction()
