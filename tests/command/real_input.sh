# Where the demo's network and photo are: $models, $photo. Sourced with $source set; ends the script as
# skipped where they are not there.
models=${POSEKIT_MODELS:-$source/models} photo=$source/photos/person.jpg
if [ ! -s "$models/movenet-lightning.json" ] || [ ! -s "$photo" ]; then
  echo "skipped: the network or the photo is not there (scripts/fetch_models.sh, scripts/fetch_photo.sh)"
  exit 77
fi
